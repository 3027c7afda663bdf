"""Answers to the log-in page about a password: nothing but a proof lets anybody in."""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from malleposte.accountd import client
from malleposte.accountd.calls import factors, log_in_page, log_ins, passwords
from malleposte.accountd.message import Done, ErrorCode, Refused, Request
from malleposte.daemons import sso_prove
from malleposte.runtime import http

RENEW = "https://pia.ac-exemple.test/motdepasse/changer?motif=expire"
GIVEN = {"user": "marie.dupond@ac-exemple.test", "password": "Vieux-Chemin7!x", "address": "192.0.2.7"}


class Accountd:
    """Answers with what it is given."""

    def __init__(self, answer: Done | Refused | None) -> None:
        self.answer, self.asked = answer, list[Request]()

    def call(self, request: Request) -> Done:
        self.asked.append(request)
        if self.answer is None:
            raise client.UnavailableError("accountd at tls://annuaire: refused")
        if isinstance(self.answer, Refused):
            raise client.RefusedError(self.answer)
        return self.answer


def answered(accountd: Accountd, body: object, method: str = "POST", target: str = "/prove") -> tuple[int, Any]:
    """Status and document."""
    told = body if isinstance(body, bytes) else json.dumps(body).encode()
    with ThreadPoolExecutor(1) as pool:
        server = sso_prove.Server(accountd, RENEW, pool)
        status, _headers, sent = asyncio.run(server.respond(http.Request(method, target, {}, told)))
    return status, json.loads(sent) if sent else None


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Done("mdupond", "active"), (200, {"uid": "mdupond"})),
        (Refused(ErrorCode.NOT_PROVED), (200, {})),
        (Refused(ErrorCode.SLOW_DOWN, wait=17), (200, {"wait": 17})),
        (Refused(ErrorCode.MUST_RENEW), (200, {"renew": RENEW})),
        (Refused(ErrorCode.UNAVAILABLE), (503, None)),
        (Refused(ErrorCode.UNAUTHORISED), (503, None)),
        (None, (503, None)),
    ],
)
def test_an_answer_for_each_of_accountd_s(answer: Done | Refused | None, told: tuple[int, Any]) -> None:
    accountd = Accountd(answer)
    assert answered(accountd, GIVEN) == told
    assert accountd.asked == [passwords.Prove("192.0.2.7", "marie.dupond@ac-exemple.test", "Vieux-Chemin7!x")]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        ({"user": "a", "password": "b"}, 400),
        (GIVEN | {"user": 7}, 200),
        (GIVEN | {"user": "x" * 1025}, 200),
    ],
)
def test_what_is_no_question_is_not_passed_on(body: object, status: int) -> None:
    accountd = Accountd(Done("mdupond"))
    assert answered(accountd, body) == (status, {} if status == 200 else None)
    assert answered(accountd, GIVEN, method="GET")[0] == answered(accountd, GIVEN, target="/")[0] == 404
    assert accountd.asked == []


@pytest.mark.parametrize(
    ("target", "body", "call"),
    [
        ("/try", {"kind": "totp", "code": "123456"}, log_in_page.TryFactor("192.0.2.7", "mdupond", "totp", "123456")),
        (
            "/tried",
            {"kind": "totp", "code": "123456", "right": True},
            log_in_page.FactorTried("192.0.2.7", "mdupond", "totp", "123456", right=True),
        ),
        ("/spend", {"kind": "recovery", "code": "X"}, log_in_page.SpendCode("192.0.2.7", "mdupond", "recovery", "X")),
        (
            "/changed",
            {
                "kind": "totp",
                "name": "Telephone",
                "added": False,
                "kinds": ["webauthn"],
                "by": "aide",
                "reason": "volé",
            },
            factors.FactorChanged("192.0.2.7", "mdupond", "totp", "Telephone", False, ("webauthn",), "aide", "volé"),
        ),
        ("/mail", {}, log_in_page.MailFactorCode("192.0.2.7", "mdupond")),
        ("/codes", {}, factors.MakeRecoveryCodes("192.0.2.7", "mdupond")),
        (
            "/ended",
            {"by": "aide", "reason": "x", "many": 2},
            log_ins.SessionsEnded("192.0.2.7", "mdupond", "aide", "x", 2),
        ),
        ("/entered", {"how": "totp"}, log_ins.Entered("192.0.2.7", "mdupond", "totp")),
    ],
)
def test_questions_about_second_factors_are_passed_on(target: str, body: dict[str, Any], call: Request) -> None:
    shown = isinstance(call, factors.MakeRecoveryCodes)
    accountd = Accountd(factors.RecoveryCodes("mdupond", codes=("AAAAA-BBBBB",)) if shown else Done("mdupond"))
    given = {"user": "mdupond", "address": "192.0.2.7"} | body
    answer = {"uid": "mdupond"} | ({"codes": ["AAAAA-BBBBB"]} if shown else {})
    assert answered(accountd, given, target=target) == (200, answer)
    assert accountd.asked == [call]
    assert answered(Accountd(None), given, target=target)[0] == 503, "closed where nobody answers"


BROWSER = "0123456789abcdef" * 2


@pytest.mark.parametrize("target", ["/prove", "/try", "/tried", "/spend", "/codes", "/entered"])
def test_the_browser_goes_with_what_is_proved(target: str) -> None:
    accountd = Accountd(Done("mdupond"))
    given = GIVEN | {"kind": "totp", "code": "1", "right": True, "how": "totp", "browser": BROWSER}
    assert answered(accountd, given, target=target)[0] == 200
    (asked,) = accountd.asked
    assert getattr(asked, "browser", None) == (None if target == "/codes" else BROWSER)


def test_what_is_no_digest_of_a_browser_is_not_passed_on() -> None:
    accountd = Accountd(Done("mdupond"))
    for wrong in ("x", BROWSER + "0", 7, None):
        assert answered(accountd, GIVEN | {"browser": wrong}) == (200, {})
    assert accountd.asked == []


def test_settings_name_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "sso-prove.json"
    path.write_text(json.dumps({"accountd": {"address": "unix:///run/accountd.sock"}, "renew": RENEW}))
    assert sso_prove.main([str(path), "--check"]) == 0
    for wrong in ({"renew": RENEW}, {"accountd": {"where": "x"}, "renew": RENEW}):
        path.write_text(json.dumps(wrong))
        assert sso_prove.main([str(path), "--check"]) == 1
        assert "sso-prove.json: not the settings of sso-prove" in capsys.readouterr().err


def test_log_ins_that_wait_for_their_moment_leave_room_for_others() -> None:
    """Eight at once were all; each takes half a second, so that the posts of a few addresses were everybody's wait."""
    together = threading.Barrier(40)

    class Paced(Accountd):
        def call(self, request: Request) -> Done:
            together.wait(60)
            return super().call(request)

    async def all_at_once() -> list[http.Answer]:
        request = http.Request("POST", "/prove", {}, json.dumps(GIVEN).encode())
        with ThreadPoolExecutor(sso_prove.THREADS) as pool:
            server = sso_prove.Server(Paced(Done("mdupond")), RENEW, pool)
            return await asyncio.gather(*(server.respond(request) for _ in range(40)))

    assert {status for status, *_rest in asyncio.run(all_at_once())} == {200}
