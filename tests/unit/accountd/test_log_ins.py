"""Log-ins at the log-in page: their owner sees them and ends one, nobody else does."""

from typing import Any

import pytest
from malleposte.accountd import codec
from malleposte.accountd.calls.log_ins import EndLogIn, OpenLogIn, OpenLogIns, ShowLogIns
from malleposte.accountd.message import Done, Refused
from malleposte.adapters.lemonldap import Session
from malleposte.core.errors import MallepostError

from .test_service import HERE, NO_LOG_IN, NOW, Stage, refusal, success, token

LAPTOP = Session("d1gest", "192.0.2.7", NOW, 4, True, NOW, f"Firefox\n{'x' * 400}", "s3cret")
HOME = Session("autre", "", None, 2)


@pytest.fixture
def open_ones(stage: Stage) -> list[Session]:
    """The log-ins of mdupond."""
    held = [LAPTOP, HOME]

    def end(uid: str, ident: str) -> tuple[str, ...] | None:
        gone = [one for one in held if uid == "mdupond" and one.ident == ident]
        held[:] = [one for one in held if one not in gone]
        return (("sogo",) if ident == HOME.ident else ()) if gone else None

    stage.hosts.log_ins = lambda uid: list(held) if uid == "mdupond" else []  # type: ignore[method-assign]
    stage.hosts.end_log_in = end  # type: ignore[method-assign]
    return held


def ended(stage: Stage, ident: str, of: str = "mdupond") -> Done | Refused:
    return stage.ask(EndLogIn(HERE, "mdupond", token(of), ident))


def test_an_owner_sees_log_ins_without_what_opens_them(stage: Stage, open_ones: list[Session]) -> None:
    told = success(stage.ask(ShowLogIns(HERE, "mdupond", token("mdupond"))))
    laptop, home = told.log_ins
    assert (laptop.ident, laptop.place, laptop.since, laptop.trusted) == ("d1gest", "192.0.2.7", NOW.isoformat(), True)
    assert laptop.until == NOW.isoformat() and laptop.browser.startswith("Firefox xxx") and len(laptop.browser) == 300
    assert home == OpenLogIn("autre", "", "", False, "", "")
    assert "s3cret" not in repr(told) and codec.decode_answer(OpenLogIns, codec.encode_answer(told)) == told
    assert stage.ask(ShowLogIns(HERE, "mdupond", token("autre"))) == NO_LOG_IN


def test_one_ends_and_is_written_down(stage: Stage, open_ones: list[Session]) -> None:
    assert ended(stage, "d1gest", of="autre") == NO_LOG_IN
    assert refusal(ended(stage, "s3cret")).error == "refused_value"
    assert open_ones == [LAPTOP, HOME] and stage.lines() == []
    assert ended(stage, "d1gest") == Done("mdupond", "active")
    assert open_ones == [HOME]
    (line,) = stage.lines()
    assert (line["action"], line["sessions"]) == ("sso-end", 1) and "not_told" not in line


def test_a_service_that_was_not_told_keeps_no_log_in_open_and_is_named(stage: Stage, open_ones: list[Session]) -> None:
    assert ended(stage, "autre") == Done("mdupond", "active", open=("sogo",))
    (line,) = stage.lines()
    assert (line["action"], line["not_told"]) == ("sso-end", ["sogo"])


def test_a_log_in_page_that_gives_no_answer_is_told(stage: Stage, open_ones: list[Session]) -> None:
    def away(*_words: str) -> Any:
        raise MallepostError("pia1 gives no answer")

    stage.hosts.log_ins = stage.hosts.end_log_in = away  # type: ignore[assignment, method-assign]
    for answer in (stage.ask(ShowLogIns(HERE, "mdupond", token("mdupond"))), ended(stage, "d1gest")):
        assert isinstance(answer, Refused) and answer.error == "unavailable"
