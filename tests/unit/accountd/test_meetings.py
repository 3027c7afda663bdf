"""Meetings by the portal: who is invited, what is refused, what the journal has."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from malleposte.accountd.calls.meetings.group import MEETINGS_A_DAY
from malleposte.accountd.calls.meetings.invite import (
    EVENT,
    MANY,
    OPEN,
    PEOPLE,
    CallMeeting,
    CallOffMeeting,
    Meetings,
    MyMeetings,
)
from malleposte.accountd.calls.meetings.slots import MOST_PEOPLE
from malleposte.accountd.message import ErrorCode, Forbidden, Refused
from malleposte.accounts import facts
from malleposte.accounts.convocations import store
from malleposte.accounts.convocations.model import Part
from malleposte.accounts.hosts.acts import convocations as acts
from malleposte.accounts.meetings import invite
from malleposte.directory.model import State

from .test_service import HERE, NO_LOG_IN, Stage, success, token

GIVEN = {
    "title": "Réunion <b>", "begin": "2099-06-15T08:00", "end": "2099-06-15T09:00",
    "people": "anne\ndehors@example.org", "place": "Salle 3", "text": "Ordre du jour",
}  # fmt: skip


@pytest.fixture
def folder(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The ledger of the directory's host; a colleague, and one who left."""
    stage.agent("anne", State.ACTIVE, "01E9500003ABC")
    stage.agent("parti", State.SUSPENDED, "01E9500004ABC")
    host: Any = SimpleNamespace(convocations_folder=tmp_path / "convocations")
    for one in (acts.call_meeting, acts.my_meetings, acts.call_off_meeting):
        vars(stage.hosts)[one.name] = lambda *args, act=one: act.function(host, *args)
    monkeypatch.setattr(facts, "read", lambda: {"visio_url": "https://visio.ac-exemple.test"})
    folder: Path = host.convocations_folder
    return folder


def who(uid: str = "mdupond") -> dict[str, Any]:
    return {"source": HERE, "uid": uid, "token": token(uid)}


def called(stage: Stage, **changed: Any) -> Meetings | Refused:
    return stage.ask(CallMeeting(**{**who(), **GIVEN} | changed))


def test_a_meeting_is_written_down_for_its_people(stage: Stage, folder: Path) -> None:
    answer = success(called(stage))
    (one,) = store.every(folder)
    assert [(each.key, each.part) for each in one.invitees] == [
        ("mdupond", Part.ORGANISER), ("anne", Part.GUEST), ("dehors@example.org", Part.GUEST),
    ]  # fmt: skip
    assert (one.mail, one.office, one.name) == ("mdupond@ac-exemple.test", "mdupond", "Réunion <b>")
    assert store.asked(folder) and answer.visio and [each.event.place for each in answer.meetings] == ["Salle 3"]
    assert stage.lines()[-1]["action"] == "meeting-call" and stage.lines()[-1]["note"] == "Réunion <b>"
    assert success(stage.ask(MyMeetings(**who("anne")))).meetings == ()


def test_a_link_is_made_on_wish_alone(stage: Stage, folder: Path) -> None:
    success(called(stage, place=""))
    success(called(stage, place="", visio=True))
    places = sorted(one.invitees[0].event.place for one in store.every(folder))
    assert places[0] == "" and places[1].startswith("https://visio.ac-exemple.test/reunion-")


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"title": " "}, EVENT), ({"end": "2099-06-15T08:00"}, EVENT), ({"begin": "2099-06-15"}, EVENT),
        ({"begin": "2099-06-15", "end": "2099-06-15"}, EVENT), ({"title": "a\x00b"}, EVENT),
        ({"people": "anne\npersonne"}, PEOPLE), ({"people": "parti"}, PEOPLE), ({"people": "\n"}, PEOPLE),
        ({"people": "mdupond"}, PEOPLE), ({"people": "x@example.org\n" * (MOST_PEOPLE + 1)}, MANY),
    ],
)  # fmt: skip
def test_what_is_wrong_invites_nobody(stage: Stage, folder: Path, changed: dict[str, str], word: str) -> None:
    assert called(stage, **changed) == Refused(ErrorCode.REFUSED_VALUE, word)
    assert list(store.every(folder)) == []
    success(called(stage))


def test_an_agent_s_meetings_are_bounded(stage: Stage, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invite, "MOST_OPEN", 1)
    success(called(stage))
    assert called(stage) == Refused(ErrorCode.REFUSED_VALUE, OPEN)
    monkeypatch.setattr(invite, "MOST_OPEN", 1000)
    for _turn in range(MEETINGS_A_DAY - 1):
        success(called(stage))
    assert called(stage) == Refused(ErrorCode.FORBIDDEN, Forbidden.CAP.value)
    success(called(stage, **who("anne"), people="mdupond"))


def test_the_organiser_alone_calls_it_off(stage: Stage, folder: Path) -> None:
    (one,) = success(called(stage)).meetings
    off = CallOffMeeting(**who("anne"), meeting=one.ident)
    answer = stage.ask(off)
    assert isinstance(answer, Refused) and answer.error is ErrorCode.NOT_FOUND
    assert stage.ask(CallOffMeeting(**{**who(), "token": token("anne")}, meeting=one.ident)) == NO_LOG_IN
    wrong = stage.ask(CallOffMeeting(**who(), meeting="../x"))
    assert isinstance(wrong, Refused) and wrong.error is ErrorCode.REFUSED_VALUE
    for _twice in range(2):
        answer = success(stage.ask(CallOffMeeting(**who(), meeting=one.ident)))
        assert [each.off for each in answer.meetings] == [True]
    assert [line["action"] for line in stage.lines()].count("meeting-off") == 1
