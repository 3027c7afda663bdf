"""Free slots by the portal: who is asked about, what is told, how much."""

from __future__ import annotations

import datetime
from typing import Any

import msgspec
import pytest
from malleposte.accountd.calls.meetings.slots import (
    DAYS,
    HOURS,
    MANY,
    MOST_PEOPLE,
    SEARCHES_A_DAY,
    FindSlots,
    SlotsFound,
)
from malleposte.accountd.message import ErrorCode, Forbidden, Refused
from malleposte.accounts import facts
from malleposte.accounts.meetings.model import Asked, Times
from malleposte.core.errors import MallepostError
from malleposte.directory.model import LIST_CLASSES, State
from malleposte.platform.times import DATE_TIME

from .test_service import HERE, NO_LOG_IN, Stage, success, token

MONDAY = datetime.date(2026, 9, 7)


class Agendas:
    """The host of the agendas."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.span = ("", "")
        self.busy: dict[str, tuple[str, str]] = {}
        self.unknown: set[str] = set()

    def __call__(self, people: tuple[Asked, ...], begin: str, end: str) -> list[Times]:
        self.asked, self.span = list(people), (begin, end)
        return [
            Times(one.uid, tuple(_span(*pair) for name, pair in self.busy.items() if name == one.uid),
                  one.uid not in self.unknown)
            for one in people
        ]  # fmt: skip


def _span(begin: str, end: str) -> tuple[str, str]:
    """Hours of the Monday, in the machine's zone."""
    first, last = (
        datetime.datetime.combine(MONDAY, datetime.time.fromisoformat(one)).astimezone(datetime.UTC)
        for one in (begin, end)
    )
    return f"{first:{DATE_TIME}}", f"{last:{DATE_TIME}}"


@pytest.fixture
def agendas(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Agendas:
    """Colleagues, one of whom is in no address book, one who left, and lists."""
    for uid, state, more in (
        ("anne", State.ACTIVE, {}), ("benoit", State.ACTIVE, {}), ("cache", State.ACTIVE, {"mpHidden": ["TRUE"]}),
        ("parti", State.SUSPENDED, {}),
    ):  # fmt: skip
        stage.agent(uid, state, f"01E95000{len(uid)}3ABC", **more)
    people = f"ou=people,{stage.directory.suffix}"
    for name, members in (("mienne", ["mdupond", "anne", "benoit"]), ("autre", ["anne", "benoit"])):
        stage.directory.add(
            f"cn={name},ou=lists,{stage.directory.suffix}",
            {
                "objectClass": LIST_CLASSES, "cn": [name], "displayName": [name], "mail": [f"{name}@ac-exemple.test"],
                "mailLocalAddress": [f"{name}@ac-exemple.test"], "member": [f"uid={one},{people}" for one in members],
                "mpMember": ["dehors@example.org"], "mpState": ["active"],
            },
        )  # fmt: skip
    monkeypatch.setattr(facts, "read", lambda: {"agenda": {"day_start": 8, "day_end": 18}})
    host = Agendas()
    vars(stage.hosts)["busy_times"] = host
    return host


def search(people: str, **changed: Any) -> FindSlots:
    given = {"minutes": 60, "first": "2026-09-07", "last": "2026-09-07", "begin": "08:00", "end": "10:00"} | changed
    return FindSlots(HERE, "mdupond", token("mdupond"), people, **given)


def found(stage: Stage, people: str, **changed: Any) -> SlotsFound:
    return success(stage.ask(search(people, **changed)))


def test_the_slots_of_a_group_with_the_agent_s_own_agenda(stage: Stage, agendas: Agendas) -> None:
    agendas.busy = {"mdupond": ("08:00", "09:00")}
    answer = found(stage, "anne\nbenoit@ac-exemple.test; dehors@example.org\n\n")
    assert [one.uid for one in agendas.asked] == ["mdupond", "anne", "benoit"]
    assert agendas.asked[1].mails == ("anne@ac-exemple.test",) and agendas.asked[1].profile == "roundcube"
    assert [(one.begin[11:], one.busy) for one in answer.slots] == [("09:00", ()), ("08:00", ("mdupond",))]
    assert [(one.key, one.outside, one.known) for one in answer.people] == [
        ("mdupond", False, True), ("anne", False, True), ("benoit", False, True), ("dehors@example.org", True, False),
    ]  # fmt: skip
    assert answer.refused == ()


def test_hours_without_any_are_those_of_the_academy(stage: Stage, agendas: Agendas) -> None:
    answer = found(stage, "anne", begin="", end="")
    assert (answer.begin, answer.end) == ("08:00", "18:00") and answer.slots
    assert min(one.begin[11:] for one in answer.slots) == "08:00"
    assert max(one.end[11:] for one in answer.slots) <= "18:00"


def test_who_is_nobody_or_left_is_named_and_does_not_count(stage: Stage, agendas: Agendas) -> None:
    answer = found(stage, "anne\npersonne\nparti\npersonne@ac-exemple.test\n<b>@@")
    assert answer.refused == ("personne", "parti", "personne@ac-exemple.test", "<b>@@")
    assert [one.key for one in answer.people] == ["mdupond", "anne"]


def test_who_closed_the_agenda_or_is_hidden_is_unknown(stage: Stage, agendas: Agendas) -> None:
    agendas.unknown, agendas.busy = {"anne"}, {"cache": ("08:00", "10:00")}
    answer = found(stage, "anne\ncache\nbenoit")
    assert [one.uid for one in agendas.asked] == ["mdupond", "anne", "benoit"], "a hidden agent's agenda is not read"
    assert {one.key: one.known for one in answer.people} == {
        "mdupond": True, "anne": False, "cache": False, "benoit": True,
    }  # fmt: skip
    assert {one.key: one.name for one in answer.people}["cache"] == "cache", "the name is that which was typed"
    assert [one.busy for one in answer.slots] == [(), ()]


def test_a_list_is_read_by_its_members_alone(stage: Stage, agendas: Agendas) -> None:
    answer = found(stage, "mienne@ac-exemple.test")
    assert [one.key for one in answer.people] == ["mdupond", "anne", "benoit", "dehors@example.org"]
    for name in ("autre@ac-exemple.test", "autre"):
        other = found(stage, name)
        assert (other.refused, [one.key for one in other.people]) == ((name,), ["mdupond"])


def test_the_whole_academy_is_not_asked(stage: Stage, agendas: Agendas) -> None:
    for number in range(MOST_PEOPLE):
        stage.agent(f"agent{number}", State.ACTIVE, f"01E96{number:05}ABC")
    names = [f"agent{number}" for number in range(MOST_PEOPLE)]
    assert len(found(stage, "\n".join(names[1:])).people) == MOST_PEOPLE
    agendas.asked = []
    assert stage.ask(search("\n".join(names))) == Refused(ErrorCode.REFUSED_VALUE, MANY)
    people = f"ou=people,{stage.directory.suffix}"
    members = [f"uid={one},{people}" for one in names]
    members.append(f"uid=mdupond,{people}")
    stage.directory.modify(f"cn=mienne,ou=lists,{stage.directory.suffix}", {"member": members})
    assert stage.ask(search("mienne")) == Refused(ErrorCode.REFUSED_VALUE, MANY)
    assert agendas.asked == [], "no agenda was asked"


def test_an_agent_has_so_many_searches_a_day(stage: Stage, agendas: Agendas) -> None:
    for _turn in range(SEARCHES_A_DAY):
        assert stage.limits.day("mdupond", "slots", SEARCHES_A_DAY).wait == 0
    assert stage.ask(search("anne")) == Refused(ErrorCode.FORBIDDEN, Forbidden.CAP.value)
    other = msgspec.structs.replace(search("anne"), uid="anne", token=token("anne"))
    assert success(stage.ask(other)).slots, "nobody else's are used up"


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"last": "2026-09-06"}, DAYS), ({"last": "2026-10-05"}, DAYS), ({"first": "lundi"}, DAYS),
        ({"first": "2026-08-01", "last": "2026-08-02"}, DAYS), ({"begin": "10:00"}, HOURS), ({"end": "25:00"}, HOURS),
        ({"minutes": 0}, HOURS), ({"minutes": 121}, HOURS), ({"minutes": 100_000}, HOURS), ({"begin": "x"}, HOURS),
    ],
)  # fmt: skip
def test_wrong_days_and_hours_are_refused(stage: Stage, agendas: Agendas, changed: dict[str, Any], word: str) -> None:
    assert found(stage, "anne", last="2026-10-04", minutes=120).slots
    assert stage.ask(search("anne", **changed)) == Refused(ErrorCode.REFUSED_VALUE, word)


def test_a_silent_host_and_a_stranger(stage: Stage, agendas: Agendas) -> None:
    def deaf(*_words: Any) -> Any:
        raise MallepostError("no answer")

    stranger = msgspec.structs.replace(search("anne"), token=token("anne"))
    assert stage.ask(stranger) == NO_LOG_IN
    vars(stage.hosts)["busy_times"] = deaf
    answer = stage.ask(search("anne"))
    assert isinstance(answer, Refused) and answer.error is ErrorCode.UNAVAILABLE
