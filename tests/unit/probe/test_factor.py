"""The probe's log-in with a second factor: enrolment, codes that serve once, and the faults that it names."""

import base64
import contextlib
import json
from collections.abc import Iterator
from typing import Any
from unittest.mock import MagicMock

import pytest
from malleposte.probe.walker import walk
from malleposte.probe.walker.https import Answer, Browser
from malleposte.probe.walker.paths import factor, sso
from malleposte.probe.walker.plan import PathError

from tests.unit.probe.test_paths import make_plan

SEED = base64.b32encode(b"12345678901234567890").decode()
HOSTS = {"sso": "sso.ac-exemple.test", "portal": "pia.ac-exemple.test"}
ACCOUNT = {"uid": "probe3", "mail": "probe3@ac-exemple.test", "password": "un-secret"}
FORM = b'<input name="token" value="t1">'
ASKED = b'<form action="/totp2fcheck?skin=academie">' + FORM


class Page:
    """A log-in page that knows a seed (none: no factor yet), and the codes that it has taken."""

    def __init__(self, seed: str = SEED) -> None:
        self.seed, self.taken, self.waiting = seed, set[str](), ""
        self.sent: list[tuple[str, dict[str, str]]] = []
        self.state = ""

    def request(self, browser: Browser, method: str, path: str, body: bytes | None, _headers: Any) -> Answer:
        fields = dict(part.split("=", 1) for part in (body or b"").decode().split("&") if part)
        self.sent.append((path, fields))
        if path.startswith("/oauth2/authorize"):
            self.state = dict(part.split("=", 1) for part in path.partition("?")[2].split("&"))["state"]
        if path == "/oauth2/token":
            return Answer(200, {}, b'{"access_token": "jeton"}')
        if path.endswith("/getkey"):
            self.waiting = SEED
            return Answer(200, {}, json.dumps({"secret": SEED, "token": "t2"}).encode())
        if path.endswith("/verify"):
            self.seed = self.waiting if self.fresh(fields["code"]) else ""
            return Answer(200, {}, json.dumps({"result": 1} if self.seed else {"error": "badCode"}).encode())
        if method == "POST" and path == "/":
            return Answer(200, {}, ASKED) if self.seed else self.enter(browser)
        if method == "POST" and path.startswith("/totp2fcheck"):
            return self.enter(browser) if self.fresh(fields["code"]) else Answer(401, {}, FORM)
        return Answer(200, {}, FORM)

    def fresh(self, code: str) -> bool:
        """A code serves once."""
        if code in self.taken:
            return False
        self.taken.add(code)
        return True

    def enter(self, browser: Browser) -> Answer:
        browser.cookies[sso.COOKIE] = "s"
        return Answer(302, {"location": f"https://{HOSTS['portal']}/sonde?code=c&state={self.state}"}, b"")


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Page:
    made = Page()

    def request(browser: Browser, method: str, path: str, body: Any = None, headers: Any = None) -> Answer:
        return made.request(browser, method, path, body, headers)

    monkeypatch.setattr(Browser, "request", request)
    return made


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens that opened an inbox."""
    tokens: list[str] = []

    @contextlib.contextmanager
    def opened(_plan: Any, _account: Any, token: str) -> Iterator[Any]:
        tokens.append(token)
        yield MagicMock(select=lambda *_words, **_more: ("OK", []))

    monkeypatch.setattr(factor, "imap_by_token", opened)
    return tokens


def plan(seed: str = SEED) -> Any:
    return make_plan(hosts=HOSTS, factor={"account": ACCOUNT, "seed": seed, "client": "sonde", "secret": "s" * 24})


def test_codes_are_those_of_the_standard() -> None:
    """RFC 6238, appendix B, cut to six digits."""
    assert [factor.one_time(SEED, moment) for moment in (59, 1111111109, 20000000000)] == ["287082", "081804", "353130"]


def test_each_code_is_another_and_the_third_waits_for_its_time() -> None:
    now, paused = [1000.0], []

    def pause(seconds: float) -> None:
        paused.append(seconds)
        now[0] += seconds

    shown = list(factor.codes(SEED, lambda: now[0], pause))
    assert len(set(shown)) == 3
    assert sum(paused) == 20, "until the step before it has begun"


def test_a_whole_log_in_reads_mail_by_a_token(page: Page, inbox: list[str]) -> None:
    assert "inbox opened by a token" in factor.log_in(plan())
    assert inbox == ["jeton"]
    (token,) = [fields for path, fields in page.sent if path == "/oauth2/token"]
    assert token["code"] == "c" and len(token["code_verifier"]) >= 43


def test_a_code_that_was_used_a_moment_ago_is_no_fault(
    page: Page, inbox: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(factor, "codes", lambda _seed: iter(["111111", "222222", "333333"]))
    page.taken.add("111111")
    assert factor.log_in(plan())
    assert len([path for path, _fields in page.sent if path.startswith("/totp2fcheck")]) == 2
    page.taken |= {"222222", "333333"}
    with pytest.raises(PathError, match="code was refused"):
        factor.log_in(plan())


def test_faults_are_named(page: Page, inbox: list[str]) -> None:
    with pytest.raises(PathError, match="no second factor yet"):
        factor.log_in(plan(""))
    page.seed = ""
    with pytest.raises(PathError, match="lost the probe's second factor"):
        factor.log_in(plan())
    assert inbox == []


def test_a_seed_is_told_before_the_page_takes_it(page: Page) -> None:
    page.seed = ""
    told: list[dict[str, Any]] = []
    walk.enrol(plan(""), told.append)
    assert [(one["name"], one["status"]) for one in told] == [(walk.SEED, "ok"), (walk.ENROLMENT, "ok")]
    assert told[0]["detail"] == SEED == page.seed
    assert SEED not in told[1]["detail"]


def test_an_enrolment_that_was_interrupted_is_found_again(page: Page) -> None:
    told: list[dict[str, Any]] = []
    walk.enrol(plan(), told.append)
    assert [one["detail"] for one in told] == [SEED, "was enrolled before"]


def test_a_factor_that_nobody_knows_is_named(page: Page) -> None:
    told: list[dict[str, Any]] = []
    walk.enrol(plan(""), told.append)
    assert told[-1]["status"] == "failed" and "sso factors remove" in told[-1]["detail"]
