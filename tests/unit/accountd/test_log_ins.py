"""Log-ins at the log-in page: their owner sees them, names a browser and ends one, nobody else does."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from malleposte.accountd import codec
from malleposte.accountd.calls.log_ins import (
    MOST_NAMES,
    EndLogIn,
    Entered,
    NameBrowser,
    OpenLogIn,
    OpenLogIns,
    ShowLogIns,
)
from malleposte.accountd.dispatch import Service
from malleposte.accountd.message import Done, Refused
from malleposte.adapters.lemonldap import Session
from malleposte.core.errors import MallepostError

from .test_factors import ELSEWHERE
from .test_service import HERE, NO_LOG_IN, NOW, Stage, refusal, success, token
from .throttle import FakeThrottle

DIGEST = "ab" * 16
LAPTOP = Session("d1gest", "192.0.2.7", NOW, 4, True, NOW, f"Firefox\n{'x' * 400}", "s3cret", digest=DIGEST)
HOME = Session("autre", "", None, 2)


@pytest.fixture
def open_ones(stage: Stage) -> list[Session]:
    """The log-ins of mdupond."""
    held = [LAPTOP, HOME]

    def end(uid: str, ident: str) -> tuple[str, ...] | None:
        gone = [one for one in held if uid == "mdupond" and one.ident == ident]
        held[:] = [one for one in held if one not in gone]
        return (("sogo",) if ident == HOME.ident else ()) if gone else None

    vars(stage.hosts).update(log_ins=lambda uid: list(held) if uid == "mdupond" else [], end_log_in=end)
    return held


def ended(stage: Stage, ident: str, of: str = "mdupond") -> Done | Refused:
    return stage.ask(EndLogIn(HERE, "mdupond", token(of), ident))


def test_an_owner_sees_log_ins_without_what_opens_them(stage: Stage, open_ones: list[Session]) -> None:
    told = success(stage.ask(ShowLogIns(HERE, "mdupond", token("mdupond"))))
    laptop, home = told.log_ins
    assert (laptop.ident, laptop.place, laptop.since, laptop.trusted) == ("d1gest", "192.0.2.7", NOW.isoformat(), True)
    assert (laptop.name, laptop.takes_name) == ("", True)
    assert laptop.until == NOW.isoformat() and laptop.browser.startswith("Firefox xxx") and len(laptop.browser) == 300
    assert home == OpenLogIn("autre", "", "", False, "", "")
    assert (
        not {"s3cret", DIGEST} & set(repr(told).split("'"))
        and codec.decode_answer(OpenLogIns, codec.encode_answer(told)) == told
    )
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

    vars(stage.hosts).update(log_ins=away, end_log_in=away)
    for answer in (stage.ask(ShowLogIns(HERE, "mdupond", token("mdupond"))), ended(stage, "d1gest")):
        assert isinstance(answer, Refused) and answer.error == "unavailable"


def name(stage: Stage, name: str, ident: str = LAPTOP.ident, of: str = "mdupond") -> Done | Refused:
    return stage.ask(NameBrowser(HERE, "mdupond", token(of), ident, name))


def names(stage: Stage) -> list[str]:
    """The names of the log-ins, as their owner is shown them."""
    answer = stage.ask(ShowLogIns(HERE, "mdupond", token("mdupond")))
    assert isinstance(answer, OpenLogIns)
    return [one.name for one in answer.log_ins]


@pytest.mark.parametrize(
    "given", ["Téléphone d’Amélie", "-rf", "« l'un » \"l'autre\"", "<b>&amp;</b>", "{login}", "é" * 40]
)
def test_a_browser_keeps_its_name_in_later_log_ins(stage: Stage, open_ones: list[Session], given: str) -> None:
    assert name(stage, f"  {given}\r\n ") == Done("mdupond", "active")
    assert names(stage) == [given, ""]
    later = dataclasses.replace(LAPTOP, ident="lat3r", trusted=False)
    open_ones[:] = [later, HOME]
    assert names(stage) == [given, ""]
    assert name(stage, given, "lat3r") == Done("mdupond", "active"), "it has the name"
    assert [(line["action"], line["name"]) for line in stage.lines()] == [("browser-name", given)]
    assert ended(stage, "lat3r") == Done("mdupond", "active")
    assert [(line["action"], line["name"]) for line in stage.lines()][1:] == [("sso-end", given)]


def test_a_name_is_changed_and_taken_away(stage: Stage, open_ones: list[Session]) -> None:
    for given in ("Salle 12", "Salle 13", " "):
        assert name(stage, given) == Done("mdupond", "active")
        assert names(stage)[0] == given.strip()
    assert stage.held("mdupond", "mpBrowserName") == []


@pytest.mark.parametrize("given", ["x" * 41, "a\x00b", "a\x1bb", "a\u202eb", "a\u200bb"])
def test_what_is_no_name_changes_nothing(stage: Stage, open_ones: list[Session], given: str) -> None:
    assert name(stage, "Salle 12") == Done("mdupond", "active")
    answer = name(stage, given)
    assert isinstance(answer, Refused) and answer.error == "refused_value"
    assert names(stage)[0] == "Salle 12"


def test_only_an_owner_names_a_browser_and_only_one_of_an_open_log_in(stage: Stage, open_ones: list[Session]) -> None:
    assert name(stage, "Salle 12", of="autre") == NO_LOG_IN
    for ident in (HOME.ident, "personne", DIGEST, "s3cret"):
        answer = name(stage, "Salle 12", ident)
        assert isinstance(answer, Refused) and answer.error == "refused_value", "without a cookie, or none of theirs"
    assert names(stage) == ["", ""] and stage.lines() == []
    assert name(stage, "Salle 12") == Done("mdupond", "active")


def test_of_too_many_names_the_one_given_longest_ago_goes(stage: Stage, open_ones: list[Session]) -> None:
    held = [f"202611{day:02d}080000Z {day:032x} Salle {day}" for day in range(1, MOST_NAMES + 1)]
    stage.directory.modify(f"uid=mdupond,ou=people,{stage.directory.suffix}", {"mpBrowserName": held[::-1]})
    assert name(stage, "Salle 99") == Done("mdupond", "active")
    kept = stage.held("mdupond", "mpBrowserName")
    assert len(kept) == MOST_NAMES and held[0] not in kept and held[1] in kept and names(stage)[0] == "Salle 99"


def test_a_log_in_from_a_new_place_is_told_by_the_name_of_its_browser(stage: Stage, open_ones: list[Session]) -> None:
    assert name(stage, "Portable {d’Amélie}") == Done("mdupond", "active")
    stage.service = Service(dataclasses.replace(stage.service.tools, throttle=FakeThrottle()))  # type: ignore[arg-type]
    for where, browser in ((HERE, DIGEST), (ELSEWHERE, DIGEST), ("203.0.113.9", "cd" * 16), ("203.0.113.200", "")):
        assert stage.ask(Entered(where, "mdupond", "totp", browser)) == Done("mdupond", "active")
    named, other = (one.get_content() for one in stage.letters[:2])
    assert f"(adresse {ELSEWHERE}, navigateur «\N{NO-BREAK SPACE}Portable {{d’Amélie}}\N{NO-BREAK SPACE}»)" in named
    assert f"(address {ELSEWHERE}, browser “Portable {{d’Amélie}}”)" in named
    assert "(adresse 203.0.113.9)" in other and "Amélie" not in other
    assert [line.get("name") for line in stage.lines() if line["action"] == "new-place"][:2] == [
        "Portable {d’Amélie}",
        "",
    ]
