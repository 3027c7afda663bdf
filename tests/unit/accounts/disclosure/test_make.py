"""The copies are made in turn, whole or not at all, and their owners are told."""

import datetime
import gzip
import io
import json
import zipfile
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from malleposte.accounts import acts
from malleposte.accounts.disclosure import export, make
from malleposte.accounts.disclosure.spool import AWAY, ENDED, FAILED, KEPT, READY, ROOM, Spool
from malleposte.accounts.hosts.every import Hosts
from malleposte.accounts.hosts.model import File
from malleposte.accounts.journal import Journal
from malleposte.accounts.life import steps
from malleposte.accounts.life.rules import LifeRules
from malleposte.core.errors import MallepostError
from malleposte.directory.model import Agent, State, agent_attributes

from tests.support.directory import MemoryDirectory
from tests.support.hosts import FakeHost
from tests.unit.accountd.test_service import FACTS

NOW = datetime.datetime(2026, 11, 26, 12, tzinfo=datetime.UTC)


class Stage:
    """Two hosts, a directory, the folder of the copies and the letters that went out."""

    def __init__(self, folder: Path) -> None:
        self.directory = MemoryDirectory()
        self.here = FakeHost("", frozenset(("store", "dovecot")))
        self.other = FakeHost("web1", frozenset(("radicale",)))
        self.spool, self.letters = Spool(folder / "copies"), list[EmailMessage]()
        self.spool.folder.mkdir()
        self.path, self.now, self.mute = folder / "journal", NOW, False
        self.lock = folder / "lock"

    def agent(self, uid: str, state: State = State.ACTIVE) -> None:
        agent = Agent(uid, "Marie", "Dupond", f"{uid}@ac-exemple.test", "roundcube", state)
        self.directory.add(agent.dn(self.directory.suffix), agent_attributes(agent))

    def send(self, letter: EmailMessage) -> None:
        if self.mute:
            raise MallepostError("sendmail refuses")
        self.letters.append(letter)

    def run(self, *, dry: bool = False) -> steps.StepResult:
        told = steps.StepResult("own-data")
        with Journal(self.path, "root") as journal:
            hosts = Hosts(self.directory, [self.here, self.other])
            tools: Any = type("Tools", (), {"directory": self.directory, "journal": journal, "hosts": hosts})()
            settings: Any = type("S", (), {"journal": self.path})()
            night = steps.NightlyRun(settings, LifeRules(), tools, NOW, dry, self.send)
            make.run(night, told, self.spool, lock=self.lock, facts=lambda: FACTS, clock=lambda: self.now)
        return told

    def actions(self) -> list[tuple[str, str]]:
        lines = map(json.loads, self.path.read_text("utf-8").splitlines())
        return [(one["action"], one["account"]) for one in lines]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    made = Stage(tmp_path)
    made.agent("mdupond")
    return made


def names(spool: Spool, uid: str = "mdupond") -> set[str]:
    with spool.open(uid) as file, zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        return set(archive.namelist())


def test_a_copy_holds_what_an_export_holds(stage: Stage) -> None:
    stage.spool.ask("mdupond", NOW)
    told = stage.run()
    assert (told.done, told.failures) == (["mdupond:ready"], [])
    hosts, exported = Hosts(stage.directory, [stage.here, stage.other]), io.BytesIO()
    held = acts.entry(stage.directory, "mdupond")
    export.Exporter(hosts.files, (stage.path,)).write(export.Subject.of(stage.directory, held), exported)
    assert names(stage.spool) == set(zipfile.ZipFile(exported).namelist()) >= {"courrier/.eml", "courrier/web1.eml"}
    copy = stage.spool.of("mdupond", NOW)
    assert copy.state == READY and copy.size == (stage.spool.folder / "mdupond.zip").stat().st_size
    (letter,) = stage.letters
    text = letter.get_content()
    assert letter["To"] == "mdupond@ac-exemple.test" and "https://pia.ac-exemple.test/compte/donnees" in text
    assert text.index("est prête") < text.index("is ready") and "zip" not in text
    assert stage.actions() == [("own-data", "mdupond")]
    assert stage.run().done == [] and len(stage.letters) == 1


def test_each_in_its_turn_and_another_s_fault_is_another_s(stage: Stage) -> None:
    stage.agent("autre")
    for uid in ("mdupond", "autre", "inconnue"):
        stage.spool.ask(uid, NOW)
    told = stage.run()
    assert sorted(told.done) == ["autre:ready", "mdupond:ready"] and not told.failures
    assert stage.spool.holders() == ["autre", "mdupond"]


def test_a_host_that_is_away_makes_no_half_of_a_copy(stage: Stage) -> None:
    stage.spool.ask("mdupond", NOW)
    stage.other.down = True
    told = stage.run()
    assert told.done == [] and "web1" in told.failures[0]
    copy = stage.spool.of("mdupond", NOW)
    assert (copy.state, copy.reason) == (FAILED, AWAY) and stage.spool.waiting() == []
    (letter,) = stage.letters
    assert "un serveur n’a pas répondu" in letter.get_content() and "27/11/2026" in letter.get_content()
    assert stage.actions() == [("own-data-failed", "mdupond")]
    stage.other.down = False
    stage.spool.ask("mdupond", NOW + datetime.timedelta(days=1))
    assert stage.run().done == ["mdupond:ready"]


def test_what_could_not_be_read_is_named(stage: Stage) -> None:
    stage.here.pieces = ["mail: 000003 is damaged"]
    stage.spool.ask("mdupond", NOW)
    stage.run()
    assert stage.spool.of("mdupond", NOW).missing == 1 and "MANQUE.txt" in names(stage.spool)


@pytest.mark.parametrize("after", [0, 1], ids=["before it", "within it"])
def test_a_full_disk_makes_none(stage: Stage, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    rooms = iter([True] * after)
    monkeypatch.setattr(Spool, "room", lambda _self, size=0: next(rooms, False))
    stage.spool.ask("mdupond", NOW)
    told = stage.run()
    assert told.done == [] and "no room" in told.failures[0]
    copy = stage.spool.of("mdupond", NOW)
    assert (copy.state, copy.reason) == (FAILED, ROOM)
    assert [path.name for path in stage.spool.folder.iterdir()] == ["mdupond.json"]
    assert "la place manque" in stage.letters[0].get_content()


def test_a_large_copy_looks_at_the_disk_again() -> None:
    looked: list[int] = []
    target = make.Bounded(io.BytesIO(), lambda: not looked.append(1))
    for _ in range(4):
        target.write(b"x" * (make.LOOK_EVERY // 2))
    assert len(looked) == 2


@pytest.mark.parametrize("state", [State.BLOCKED, State.SUSPENDED])
def test_nothing_is_made_for_who_could_not_fetch_it(stage: Stage, state: State) -> None:
    stage.agent("autre", state)
    for uid in ("autre", "mdupond"):
        stage.spool.ask(uid, NOW)
    assert stage.run().done == ["mdupond:ready"]
    assert stage.spool.of("autre", NOW).state == ENDED


def test_what_is_over_goes_and_so_does_what_is_nobody_s(stage: Stage) -> None:
    stage.spool.ask("mdupond", NOW)
    stage.run()
    stage.now = NOW + KEPT - datetime.timedelta(minutes=1)
    assert stage.run().done == [] and "mdupond.zip" in {path.name for path in stage.spool.folder.iterdir()}
    stage.now = NOW + KEPT
    assert stage.run().done == ["mdupond:ended"]
    assert [path.name for path in stage.spool.folder.iterdir()] == ["mdupond.json"]
    assert stage.actions()[-1] == ("own-data-end", "mdupond")
    stage.now = NOW + 3 * KEPT
    stage.run()
    assert stage.spool.holders() == []
    stage.spool.ask("partie", NOW)
    (stage.spool.folder / "partie.zip").touch()
    stage.run()
    assert stage.spool.holders() == []


def test_who_cannot_be_told_still_has_the_copy(stage: Stage) -> None:
    stage.mute = True
    stage.spool.ask("mdupond", NOW)
    told = stage.run()
    assert told.done == ["mdupond:ready"] and "not told" in told.failures[0]
    assert stage.spool.of("mdupond", NOW).state == READY


def test_a_rehearsal_changes_nothing(stage: Stage) -> None:
    stage.spool.ask("mdupond", NOW)
    assert stage.run(dry=True).done == ["mdupond:asked"]
    assert stage.spool.waiting() == ["mdupond"] and stage.letters == []


STRANGE = {
    "after 2107": 4_354_819_200.0 + 86_400 * 366, "before 1980": 86_400.0, "before 1970": -86_400.0 * 365_000,
    "no calendar has it": 1e18, "nor this": float("inf"), "no number": float("nan"), "the edge": 4_354_819_199.0,
}  # fmt: skip


def test_a_message_with_a_strange_date_or_name_stops_nobody(stage: Stage) -> None:
    stage.agent("autre")
    stage.here.pieces = [
        *(File(f"courrier/{name}.eml", name.encode(), "messages", when) for name, when in STRANGE.items()),
        *(File(name, b"x", "messages", 1e9) for name in ("a:b", "a?b", "a\udce9", "a\udce8", "../", "", ".x")),
    ]
    for uid in ("mdupond", "autre"):
        stage.spool.ask(uid, NOW)
    told = stage.run()
    assert (sorted(told.done), told.failures) == (["autre:ready", "mdupond:ready"], [])
    with stage.spool.open("mdupond") as file, zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        years = {one.filename.split("/")[-1].removesuffix(".eml"): one.date_time[0] for one in archive.infolist()}
        found = archive.namelist()
    assert years["after 2107"] == years["no calendar has it"] == years["nor this"] == 2107
    assert years["before 1980"] == years["before 1970"] == years["no number"] == 1980
    assert len(found) == len(set(found)) and {"a_b", "a_b-2", "a_", "a_-2", "_", "_-2", ".x"} <= set(found)


def test_a_defect_in_one_copy_is_named_and_the_others_are_made(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.agent("autre")
    for uid in ("mdupond", "autre"):
        stage.spool.ask(uid, NOW)
    write = export.Exporter.write

    def broken(self: export.Exporter, subject: export.Subject, target: Any) -> export.Report:
        if subject.uid == "mdupond":
            raise ValueError("what nobody expected")
        return write(self, subject, target)

    monkeypatch.setattr(export.Exporter, "write", broken)
    told = stage.run()
    assert told.done == ["autre:ready"]
    assert [one.partition(" (")[0] for one in told.failures] == ["mdupond: ValueError: what nobody expected"]
    assert stage.spool.of("mdupond", NOW).state == FAILED and stage.spool.waiting() == []


def test_a_journal_that_was_cut_off_is_named(stage: Stage) -> None:
    whole = gzip.compress(b'{"account": "mdupond", "action": "create"}\n' * 1000)
    stage.path.with_name("journal.2.gz").write_bytes(whole[: len(whole) // 2])
    stage.spool.ask("mdupond", NOW)
    told = stage.run()
    assert told.done == ["mdupond:ready"] and stage.spool.of("mdupond", NOW).missing == 1
    with stage.spool.open("mdupond") as file, zipfile.ZipFile(file) as archive:
        assert archive.read("MANQUE.txt").startswith(b"journal ")
