"""New events of a chosen agenda are told: each once, none that was there, and no account at the cost of others."""

import datetime
import json
import os
import zoneinfo
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from malleposte.accounts.agendas import Stores
from malleposte.accounts.agendas.radicale import PROPERTIES, Radicale
from malleposte.accounts.life.rules import LifeRules
from malleposte.accounts.life.steps import NightlyRun, StepResult
from malleposte.accounts.mailbox.tools import ledger
from malleposte.accounts.mailbox.tools.events import agendas, step
from malleposte.accounts.mailbox.tools.events.model import (
    EARLIER,
    LATE,
    MOST_NEW,
    TOGETHER,
    Agenda,
    Changes,
    Event,
    Look,
    News,
    Watch,
)
from malleposte.accounts.mailbox.tools.events.watched import Watched
from malleposte.accounts.mailbox.tools.kinds.base import Note
from malleposte.accounts.mailbox.tools.model import MOST_A_DAY, Paused, Rule, When
from malleposte.accounts.mailbox.tools.outside import Reach
from malleposte.accounts.mailbox.tools.store import Store
from malleposte.core.errors import MallepostError
from malleposte.directory.model import Agent, State, agent_attributes
from malleposte.groupware import busy_times

from tests.support.classes import CLASSES
from tests.support.directory import MemoryDirectory

BEGIN = 1_800_000_000.0
HOUR = 3600.0
ALLOWED = {"slack": Reach(("hooks.slack.com",))}
PARIS = zoneinfo.ZoneInfo("Europe/Paris")


class Stage:
    """A host of mailboxes, one of agendas and a directory, with a clock that the test moves."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.root = BEGIN, root
        self.allows = dict(ALLOWED)
        self.directory = MemoryDirectory()
        self.store, self.path = Store(root), root / "ledger.sqlite"
        self.watched = Watched(root, self.path, lambda: self.allows, lambda: self.now)
        (root / "dav" / "collection-root").mkdir(parents=True)
        self.radicale = Radicale(root / "dav" / "collection-root")
        self.stores = Stores([self.radicale], CLASSES)
        self.away = self.killed = False
        self.number = 0
        self.asked: list[int] = []
        monkeypatch.setattr(step, "allowed", lambda _facts: self.allows)
        monkeypatch.setattr(step.facts, "read", dict)

        class Clock(datetime.datetime):
            @classmethod
            def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]
                return datetime.datetime.fromtimestamp(self.now, tz)

        monkeypatch.setattr(busy_times.datetime, "datetime", Clock)

    def agent(self, uid: str, state: State = State.ACTIVE) -> None:
        one = Agent(uid, "Z", uid, f"{uid}@ac-exemple.test", "roundcube", state)
        self.directory.add(one.dn(self.directory.suffix), agent_attributes(one))

    def agenda(self, uid: str, name: str = "agenda") -> Path:
        folder = self.radicale.root / uid / name
        folder.mkdir(parents=True)
        (folder / PROPERTIES).write_text(json.dumps({"tag": "VCALENDAR"}))
        return folder

    def put(self, uid: str, ident: str = "", *lines: str, name: str = "agenda", made: float = 0.0) -> str:
        """Put an event as a device does; the title."""
        self.number += 1
        ident = ident or f"u{self.number}"
        moment = datetime.datetime.fromtimestamp(made or self.now, datetime.UTC)
        begin = datetime.datetime.fromtimestamp(self.now + 86_400, datetime.UTC)
        text = "\r\n".join([
            "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//x//FR", "BEGIN:VEVENT", f"UID:{ident}",
            f"DTSTAMP:{moment:%Y%m%dT%H%M%SZ}", f"DTSTART:{begin:%Y%m%dT%H%M%SZ}", "DURATION:PT1H",
            f"SUMMARY:Titre {ident}", "LOCATION:Salle 1", *lines, "END:VEVENT", "END:VCALENDAR", "",
        ])  # fmt: skip
        path = self.radicale.root / uid / name / f"{ident}.ics"
        path.write_text(text)
        os.utime(path, (self.now, self.now))
        return f"Titre {ident}"

    def rule(self, uid: str, agenda: Agenda | None = None, *, place: bool = False) -> Rule:
        """Add a rule, as the portal does, with the events that the agenda has."""
        self.number += 1
        agenda = agenda or Agenda(uid)
        one = Rule(f"{self.number:016x}", "slack", When.EVENT, {}, "sealed", agenda=agenda, place=place)
        self.store.change(uid, lambda rules: [*rules, one])
        (changes,) = self.agenda_changes((Look(agenda.owner, agenda.name, "roundcube"),))
        with ledger.opened(self.path) as orders:
            orders.looked(uid, one.id, News(changes.at, step.keys(changes.events), anew=True), self.now)
        return one

    # --- the hosts ---

    def watched_agendas(self) -> tuple[list[Watch], list[str]]:
        return self.watched.every(), []

    def agenda_changes(self, looks: Sequence[Look]) -> list[Changes]:
        if self.away:
            raise MallepostError("web1: no answer")
        return agendas.changed(self.stores, looks, lambda: self.now)

    def unseen_events(self, uid: str, ident: str, keys: Sequence[str]) -> list[str]:
        return self.watched.unseen(uid, ident, keys)

    def new_events(self, question: agendas.Question) -> list[Event]:
        self.asked.append(len(question.events))
        return agendas.read(self.stores, question, lambda raw: msgspec.json.encode(busy_times.of_news(raw, PARIS)))

    def note_events(self, uid: str, ident: str, news: News) -> int:
        if self.killed:
            raise MallepostError("killed")
        return self.watched.note(uid, ident, news)

    def look(self, seconds: float = 300.0) -> StepResult:
        self.now += seconds
        tools = type("Tools", (), {"directory": self.directory, "hosts": self})
        now = datetime.datetime.fromtimestamp(self.now, datetime.UTC)
        result = StepResult("tool-events")
        step.step(NightlyRun(None, LifeRules(), tools, now), result)  # type: ignore[arg-type]
        return result

    def notes(self, uid: str = "mdupond") -> list[Note]:
        with ledger.opened(self.path) as orders:
            return sorted((row.parsed() for row in orders.open(uid)), key=lambda note: note.title)

    def titles(self, uid: str = "mdupond") -> list[str]:
        return [note.title for note in self.notes(uid)]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    made = Stage(tmp_path, monkeypatch)
    made.agent("mdupond")
    made.agenda("mdupond")
    return made


def test_a_new_event_is_told_once_and_what_was_there_is_not(stage: Stage) -> None:
    old = stage.put("mdupond", "old")
    stage.now += HOUR
    stage.rule("mdupond")
    assert stage.look().done == []
    new = stage.put("mdupond", "new")
    assert stage.look().done == ["mdupond: 1"] and stage.titles() == [new]
    (note,) = stage.notes()
    assert (note.sender, note.link, note.text, note.place) == ("", "", "", "") and note.begin.startswith("2027-01-")
    stage.put("mdupond", "old", "X-CHANGED:1")
    stage.put("mdupond", "new", "X-CHANGED:1")
    assert stage.look().done == [] and stage.titles() == [new] and old not in stage.titles()


def test_the_place_leaves_where_the_agent_asked_for_it(stage: Stage) -> None:
    stage.rule("mdupond", place=True)
    stage.put("mdupond", "new", "DESCRIPTION:secret", "ATTENDEE:mailto:autre@ac-exemple.test")
    stage.look()
    (note,) = stage.notes()
    assert note.place == "Salle 1" and b"secret" not in msgspec.json.encode(note) and note.about[1].endswith("Salle 1")


def test_private_events_tasks_and_other_agendas_are_not_told(stage: Stage) -> None:
    stage.agenda("mdupond", "autre")
    stage.rule("mdupond")
    stage.put("mdupond", "a", "CLASS:PRIVATE")
    stage.put("mdupond", "b", "CLASS:CONFIDENTIAL")
    stage.put("mdupond", "c", name="autre")
    good = stage.put("mdupond", "d", "CLASS:PUBLIC")
    stage.look()
    assert stage.titles() == [good]
    stage.put("mdupond", "a", "CLASS:PUBLIC")
    stage.look()
    assert stage.titles() == [good], "a changed event is not new"


def test_killed_in_the_middle_nothing_is_lost_and_nothing_twice(stage: Stage) -> None:
    rule = stage.rule("mdupond")
    new = stage.put("mdupond", "new")
    stage.killed = True
    assert stage.look().failures == ["mdupond: killed"] and stage.titles() == []
    stage.killed = False
    # The orders were written, and not that the event is known.
    with ledger.opened(stage.path) as orders:
        (event,) = stage.new_events(_question(stage, rule))
        orders.take_event("mdupond", rule, event, stage.now)
    assert stage.titles() == [new]
    stage.look()
    stage.look()
    assert stage.titles() == [new]


def _question(stage: Stage, rule: Rule) -> agendas.Question:
    look = Look("mdupond", "personal", "roundcube", stage.now - HOUR)
    (changes,) = stage.agenda_changes((look,))
    assert rule.agenda
    return agendas.Question(look, changes.events, (), 0.0)


def test_a_host_of_agendas_that_is_away_costs_nothing_but_time(stage: Stage) -> None:
    stage.rule("mdupond")
    new = stage.put("mdupond", "new")
    stage.away = True
    with pytest.raises(MallepostError):
        stage.look()
    stage.away = False
    stage.look(HOUR)
    assert stage.titles() == [new]


def test_what_comes_back_is_not_told(stage: Stage) -> None:
    stage.put("mdupond", "gone")
    stage.now += 10 * 86_400
    stage.rule("mdupond")
    path = stage.radicale.root / "mdupond" / "agenda" / "gone.ics"
    text = path.read_text()
    path.unlink()
    stage.look()
    path.write_text(text)
    os.utime(path, (stage.now, stage.now))
    stage.put("mdupond", "imported", made=stage.now - EARLIER - HOUR)
    stage.look()
    assert stage.titles() == []


def test_many_at_once_were_imported(stage: Stage) -> None:
    stage.rule("mdupond")
    for number in range(TOGETHER + 1):
        stage.put("mdupond", f"import{number}")
    stage.now += HOUR
    single = stage.put("mdupond", "single")
    result = stage.look()
    assert stage.titles() == [single] and any("at once" in line for line in result.done)
    stage.look()
    assert stage.titles() == [single]


def test_one_account_does_not_use_up_a_look(stage: Stage) -> None:
    stage.agent("other")
    stage.agenda("other")
    stage.rule("mdupond")
    stage.rule("other")
    for number in range(3 * MOST_NEW):
        stage.put("mdupond", f"many{number:03d}")
        stage.now += 60.0
    other = stage.put("other", "one")
    stage.look()
    assert stage.titles("other") == [other]
    assert len(stage.titles()) == MOST_NEW and max(stage.asked) <= MOST_NEW
    stage.look()
    assert len(stage.titles()) == 2 * MOST_NEW


def test_an_account_orders_no_more_than_its_part_of_the_queue(stage: Stage) -> None:
    rule = stage.rule("mdupond")
    events = tuple(Event(f"{number:024x}", f"T{number}", "2030-01-01", "2030-01-01") for number in range(MOST_A_DAY))
    assert stage.watched.note("mdupond", rule.id, News(stage.now, (), events)) == 100


def test_an_account_that_is_blocked_tells_nothing_of_that_time(stage: Stage) -> None:
    stage.rule("mdupond")
    dn = f"uid=mdupond,ou=people,{stage.directory.suffix}"
    stage.directory.modify(dn, {"mpState": [State.BLOCKED.value]})
    stage.put("mdupond", "meanwhile")
    stage.look()
    stage.directory.modify(dn, {"mpState": [State.ACTIVE.value]})
    after = stage.put("mdupond", "after")
    stage.look()
    assert stage.titles() == [after]


@pytest.mark.parametrize("why", ["stopped", "not allowed"])
def test_a_rule_that_tells_again_begins_anew(stage: Stage, why: str) -> None:
    rule = stage.rule("mdupond")
    if why == "stopped":
        stage.store.pause("mdupond", rule.id, Paused.STOPPED)
    else:
        stage.allows.clear()
    stage.watched.every()
    stage.put("mdupond", "meanwhile")
    stage.look()
    assert stage.titles() == []
    stage.store.pause("mdupond", rule.id, Paused.NO)
    stage.allows.update(ALLOWED)
    stage.look()
    after = stage.put("mdupond", "after")
    stage.look()
    assert stage.titles() == [after]


def test_an_agenda_that_is_gone_is_said_and_comes_back_without_its_old_events(stage: Stage) -> None:
    folder = stage.agenda("mdupond", "projet")
    rule = stage.rule("mdupond", Agenda("mdupond", "projet", "Projet"))
    stage.put("mdupond", "before", name="projet")
    stage.look()
    aside = folder.rename(folder.with_name(".aside"))
    stage.look()
    with ledger.opened(stage.path) as orders:
        assert orders.watch("mdupond", rule).gone
    aside.rename(folder)
    after = stage.put("mdupond", "after", name="projet")
    stage.look()
    with ledger.opened(stage.path) as orders:
        assert not orders.watch("mdupond", rule).gone
    assert stage.titles() == [after, "Titre before"]


def test_a_team_tells_its_members_alone(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.agenda("equipe-x")
    stage.rule("mdupond", Agenda("equipe-x", title="Équipe X"))
    looks: list[Look] = []
    real = stage.agenda_changes

    def changes(some: Sequence[Look]) -> list[Changes]:
        looks.extend(some)
        return real([msgspec.structs.replace(one, profile="roundcube") for one in some])

    monkeypatch.setattr(stage, "agenda_changes", changes)
    entry = type("Entry", (), {"attributes": {"uid": ["equipe-x"], "mail": ["x@ac-exemple.test"], "mpTeam": ["@dsi"],
                                              "mpState": ["active"]}})  # fmt: skip
    teams = [entry]
    monkeypatch.setattr(step.members, "of", lambda _directory, _uid: teams)
    monkeypatch.setattr(agendas, "read", lambda _stores, question, _ask: [
        Event(one.key, one.name, "2030-01-01", "2030-01-01") for one in question.events
    ])  # fmt: skip
    stage.put("equipe-x", "meeting")
    stage.look()
    assert looks[0].profile == "" and stage.titles() == ["meeting.ics"]
    teams.clear()
    stage.put("equipe-x", "secret")
    stage.look()
    assert stage.titles() == ["meeting.ics"]


def test_a_rule_that_nobody_looked_at_for_days_begins_anew(stage: Stage) -> None:
    stage.rule("mdupond")
    stage.put("mdupond", "lost")
    stage.look(LATE + HOUR)
    after = stage.put("mdupond", "after")
    stage.look()
    assert stage.titles() == [after]


def test_an_agenda_that_cannot_be_read_stops_no_other(stage: Stage) -> None:
    stage.agent("other")
    (stage.agenda("other") / PROPERTIES).write_text("{")
    one = Rule("f" * 16, "slack", When.EVENT, {}, "sealed", agenda=Agenda("other"))
    stage.store.change("other", lambda rules: [*rules, one])
    stage.rule("mdupond")
    new = stage.put("mdupond", "new")
    result = stage.look()
    assert stage.titles() == [new] and len(result.failures) == 1 and result.failures[0].startswith("other: ")


def test_a_look_that_is_too_short_begins_with_the_others_the_next_time(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step, "LOOKS", 1)
    for uid in ("first", "second"):
        stage.agent(uid)
        stage.agenda(uid)
        stage.rule(uid)
        stage.now += 60.0
    news = {uid: stage.put(uid) for uid in ("first", "second")}
    moments = iter([0.0, 0.0, step.LONGEST + 1.0] * 2)
    monkeypatch.setattr(step, "time", SimpleNamespace(monotonic=lambda: next(moments)))
    assert stage.look().failures == ["1 agendas wait for the next look"]
    assert (stage.titles("first"), stage.titles("second")) == ([news["first"]], [])
    stage.look()
    assert stage.titles("second") == [news["second"]]


def test_without_a_tool_of_the_academy_s_nobody_is_asked(stage: Stage) -> None:
    stage.rule("mdupond")
    stage.allows.clear()
    stage.away = True
    assert stage.look() == StepResult("tool-events")
