"""accountd's protocol: messages arrive unchanged, and anything else is refused."""

from __future__ import annotations

import dataclasses
import hashlib
import json

import pytest
from malleposte.accountd import codec, wire
from malleposte.accountd.call import CALLS
from malleposte.accountd.message import BadMessageError, ErrorCode, Hello, Refused, Request, Violation

BROWSER = "0123456789abcdef" * 2
REQUESTS = (
    Hello("pia1", "secret"),
    wire.Begin("192.0.2.7", "01E9500001ABC", "CODE", once="word"),
    wire.Enrol("192.0.2.7", "ticket", "mail", "marie@exemple.test"),
    wire.Activate("192.0.2.7", "ticket", "Neuf-Passage7!"),
    wire.Recover("192.0.2.7", "01E9500001ABC", "CODE", "Neuf-Passage7!", question="word"),
    wire.SetCharge("192.0.2.7", "mdupond", "jeton", "list", "conseil", "poster", "pmartin", True),
    wire.Check("192.0.2.7", "ticket", ("0123456789abcdef",)),
    wire.Change("2001:db8::1", "mdupond", "vieux", "é\u2028\0"),
    wire.Block("192.0.2.7", "mdupond", "chef", "piraté"),
    wire.SetRecovery("192.0.2.7", "mdupond", "secret", "mail", "marie@exemple.test"),
    wire.ConfirmRecovery("192.0.2.7", "mdupond", "jeton", "20261201120000Z k1:x marie@exemple.test", "3467934679"),
    wire.SetQuietHours("192.0.2.7", "mdupond", "jeton", ("12345 18:30-07:45", "67 00:00-23:59")),
    wire.AddDevice("192.0.2.7", "mdupond", "secret", "Téléphone", ("imap", "dav"), 90),
    wire.RevokeDevice("192.0.2.7", "mdupond", "mdupond", "abcdefgh"),
    wire.ShowAccount("192.0.2.7", "mdupond", "x" * 4096),
    wire.FactorTried("192.0.2.7", "mdupond", "totp", "123456", True),
    wire.DeskCode("192.0.2.7", "adesk", "jeton", "mdupond", "aloud", "téléphone perdu", called_back=True),
    wire.DeskRemoveFactor("192.0.2.7", "adesk", "jeton", "mdupond", "abc", "téléphone perdu"),
    wire.FindDeleted("192.0.2.7", "mdupond", "jeton", "ami", "conseil", 7),
    wire.Undelete("192.0.2.7", "mdupond", "jeton", ("Projets:12", "INBOX:3")),
    wire.ShowSenders("192.0.2.7", "mdupond", "jeton", 40),
    wire.SetSenders("192.0.2.7", "mdupond", "jeton", "strict", ("ami@lointain.test",), ("pub.test",), ("autre.test",)),
    wire.FactorChanged("192.0.2.7", "mdupond", "totp", "Téléphone", False, ("webauthn",)),
    wire.ShowOwnData("192.0.2.7", "mdupond", "jeton"),
    wire.AskOwnData("192.0.2.7", "mdupond", "jeton", "secret"),
    wire.FetchOwnData("192.0.2.7", "mdupond", "jeton"),
    wire.Prove("192.0.2.7", "mdupond", "secret", BROWSER),
    wire.SpendCode("192.0.2.7", "mdupond", "recovery", "CODE", BROWSER),
    wire.EndOwnData("192.0.2.7", "mdupond", "jeton"),
)
ANSWERED = (
    *(wire.Done, wire.Device, wire.Account, wire.Enrolment, wire.Line, Refused, Violation),
    *(wire.Diagnosis, wire.LogIn, wire.RefusedMail, wire.Factor, wire.Person, wire.Sheet, wire.Trace, wire.Charge),
    *(wire.Deleted, wire.Sender, wire.OwnData, wire.OpenLogIn),
)
OWN = {"source": "a", "uid": "b", "token": "c"}
CHANGE = {"source": "192.0.2.7", "login": "a", "old": "b", "new": "c"}


def line(**document: object) -> bytes:
    return json.dumps({"v": 16, "call": "change", "args": CHANGE} | document).encode() + b"\n"


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda one: type(one).__name__)
def test_a_request_comes_back(request_: Request) -> None:
    told = codec.encode(request_)
    assert told.count(b"\n") == 1
    assert codec.decode(told) == request_


def test_no_secret_is_shown_by_accident() -> None:
    for one in (Hello("a", "S3CRET"), wire.Begin("s", "S3CRET", "S3CRET"),
                wire.Enrol("s", "S3CRET", "mail", "S3CRET"), wire.Activate("s", "S3CRET", "S3CRET"),
                wire.RemindLogin("s", "S3CRET"), wire.Done(ticket="S3CRET"),
                wire.Change("s", "l", "S3CRET", "S3CRET"), wire.SetRecovery("s", "l", "S3CRET", "mail", "S3CRET"),
                wire.ConfirmRecovery("s", "u", "S3CRET", "S3CRET", "S3CRET"),
                wire.Recover("s", "S3CRET", "S3CRET", "S3CRET"), wire.Check("s", "S3CRET"),
                wire.Reset("s", "l", "S3CRET", "S3CRET", "S3CRET"), wire.Prove("s", "l", "S3CRET"),
                wire.AddDevice("s", "l", "S3CRET", "n", token="S3CRET"), wire.Block("s", "u", "S3CRET", "r"),
                wire.ShowAccount("s", "u", "S3CRET"), wire.Done(secret="S3CRET"), wire.Done(codes=("S3CRET",)),
                wire.TryFactor("s", "u", "totp", "S3CRET"), wire.FactorTried("s", "u", "totp", "S3CRET", True),
                wire.RemoveFactor("s", "u", "S3CRET", "S3CRET", "f"), wire.AskOwnData("s", "u", "S3CRET", "S3CRET"),
                wire.FetchOwnData("s", "u", "S3CRET"), wire.ShowOwnData("s", "u", "S3CRET"),
                wire.EndOwnData("s", "u", "S3CRET"),
                wire.SpendCode("s", "u", "recovery", "S3CRET"), wire.DeskShow("s", "u", "S3CRET", "t"),
                wire.DeskCode("s", "u", "S3CRET", "t", "aloud", "r")):  # fmt: skip
        assert "S3CRET" not in repr(one)


@pytest.mark.parametrize(
    "answer",
    [
        wire.Done("mdupond", "pending", "20261201120000Z", ("dovecot",)),
        wire.Done(),
        wire.Done(
            "mdupond", devices=(wire.Device("abcdefgh", "Téléphone", ("imap",), made="20261201120000Z"),), secret="x"
        ),
        wire.Done("mdupond", account=wire.Account("Marie", quota_mb=5000, absence=True, forwards=("a@b.test",))),
        wire.Done("mdupond", journal=(wire.Line("2026-09-01T08:00:00", "compte bloqué", "operators", "vol"),)),
        wire.Done(
            ticket="t", enrolment=wire.Enrolment("Marie", "Dupond", left=("phone", "password"), needed=("phone",))
        ),
        wire.Done("mdupond", factors=(wire.Factor("dG90cA==", "totp", "Téléphone", "2026-09-01T08:00:00+00:00"),)),
        wire.Done("mdupond", charges=(wire.Charge("list", "conseil", "Conseil", "c@b.test", posters=("@members",)),)),
        wire.Done("mdupond", traces=(wire.Trace("0123456789abcdef", "forward", who="a@b.test", kept=True),)),
        wire.Done("adesk", reach=("21",), more=True, people=(wire.Person("mdupond", "Marie", schools=("0210001M",)),)),
        wire.Done(
            sheet=wire.Sheet(
                "Professeur",
                ("0210001M",),
                codes=("mail 20261201120000Z",),
                ways=("aloud",),
                factors=(wire.Factor("abc", "totp", "Téléphone"),),
                factors_known=True,
            )
        ),
        Refused(ErrorCode.FORBIDDEN, wire.Forbidden.REACH),
        Refused(ErrorCode.SLOW_DOWN, wait=12),
        Refused(ErrorCode.REFUSED_PASSWORD, violations=(Violation("too_short", {"least": 12}),)),
    ],
)
def test_an_answer_comes_back(answer: wire.Answer) -> None:
    assert codec.decode_answer(wire.Done, codec.encode_answer(answer)) == answer


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (b"", "not JSON"),
        (b"GET / HTTP/1.1\r\n", "not JSON"),
        (b"\xff\xfe\n", "not JSON"),
        (b"[" * 16_000 + b"\n", "not JSON"),
        (b"9" * 9000 + b"\n", "not JSON"),
        (b"[]\n", "no object"),
        (line(v=2), "speaks version 2 .*this one version 16: finish the deploy"),
        (line(v=None), "no known version"),
        (line(v="S3CRET"), "no known version"),
        (line(v=True, call="next"), "no known version"),
        (line(v=99, call="next", args={"more": 1}, extra=1), "speaks version 99"),
        (line(call="delete"), "unknown call"),
        (line(call=["change"]), "unknown call"),
        (line(extra=1), "the keys are"),
        (line(args=[]), "args is no object"),
        (line(args=CHANGE | {"uid": "x"}), "unknown field"),
        (line(args={"source": "192.0.2.7"}), "is missing"),
        (line(args=CHANGE | {"login": 1}), "login is not of its type"),
        (
            line(call="factor_tried", args={"source": "a", "uid": "b", "kind": "c", "code": "d", "right": 1}),
            "right is not",
        ),
        (line(args=CHANGE | {"login": None}), "login is not of its type"),
        *(
            (line(args=CHANGE | {"browser": wrong}), "browser is no digest")
            for wrong in (BROWSER[1:], f"{BROWSER}0", f"{BROWSER}\n", BROWSER.upper(), 7, None, [BROWSER])
        ),
        (line(args=CHANGE | {"login": "x" * 1025}), "or too long"),
        (b'{"v":16,"call":"change","args":{"source":"a","login":"\\ud800","old":"b","new":"c"}}\n', "login is not"),
        (
            line(call="block", args={"source": "a", "uid": "b", "token": "c", "reason": "d", "hours": 1}),
            "unknown field",
        ),
        (
            line(call="set_quiet_hours", args={"source": "a", "uid": "b", "token": "c", "hours": ["x"] * 15}),
            "hours is not",
        ),
        (b" " * 17_000 + b"{}", "too long"),
    ],
)
def test_anything_else_is_refused_and_not_repeated(told: bytes, said: str) -> None:
    with pytest.raises(BadMessageError, match=said):
        codec.decode(told)


@pytest.mark.parametrize("told", [b"", b"{}", b'{"v":15,"ok":true}', b'{"v":15,"ok":false,"refused":{"error":"x"}}'])
def test_what_is_no_answer_is_an_error(told: bytes) -> None:
    with pytest.raises(BadMessageError):
        codec.decode_answer(wire.Done, told)


def test_another_form_is_another_version() -> None:
    """If this fails: raise `wire.VERSION`, and write down the form of the new version in place of the old one."""

    def form(kind: type) -> list[tuple[str, str, bool]]:
        return [(one.name, str(one.type), one.default is dataclasses.MISSING) for one in dataclasses.fields(kind)]

    calls = {name: form(kind) for name, kind in CALLS.items()}
    answers = {kind.__name__: form(kind) for kind in ANSWERED}
    whole = json.dumps([calls, answers, sorted(ErrorCode)], sort_keys=True)
    assert (wire.VERSION, hashlib.sha256(whole.encode()).hexdigest()[:16]) == (16, "8112c53ed0fd9ce8")
