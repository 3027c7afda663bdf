"""`malleposte mail retract --like`: what is merely like a message stays, until its number is typed."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from malleposte.accounts.channels import Failure
from malleposte.accounts.retraction import owners, store
from malleposte.cli import main
from malleposte.commands import mail_retract
from malleposte.core import paths
from malleposte.core.errors import ExitCode
from malleposte.deliveries.model import Answer, Likeness, Message, Query, Recipient, State
from malleposte.deliveries.retracted import Box, Copy, Stop

NOW = 1_800_000_000
WORDS = ["mail", "retract", "--json", "--no-note", "--yes"]


def message(queue: str, uid: str, **facts: Any) -> Message:
    to = Recipient(f"{uid}@ac-exemple.test", uid, State.FILED, "INBOX")
    return Message(queue, NOW, "pirate@x", f"{facts.pop('by', 'pirate')}@x", message_id=f"{queue}@x", recipients=(to,),
                   **facts)  # fmt: skip


class Hosts:
    """Hosts with a message, what is like it, and one copy in each box."""

    def __init__(self) -> None:
        self.like = (message("Q1", "a"), message("Q2", "b", alike=27), message("Q3", "c", alike=30, by="chef"))
        self.taken = list[str]()

    def likeness(self, query: Query) -> tuple[Likeness, list[Failure]]:
        return Likeness((b"x" * 256,) if query.queue == "Q1" else ()), []

    def trace(self, query: Query) -> tuple[Answer, list[Failure]]:
        return Answer(self.like if query.like else tuple(one for one in self.like if one.queue == query.queue)), []

    def copies(self, boxes: tuple[Box, ...]) -> tuple[list[Copy], list[Failure]]:
        return [Copy(box.uid, "INBOX", box.uid) for box in boxes if box.uid not in self.taken], []

    def seal(self, boxes: tuple[Box, ...]) -> tuple[list[Copy], list[Failure]]:
        self.taken += [box.uid for box in boxes]
        return [], []

    def unseal(self, back: tuple[Copy, ...]) -> tuple[list[Copy], list[Failure]]:
        self.taken = [uid for uid in self.taken if uid not in {one.uid for one in back}]
        return [], []

    def stop(self, _wave: Stop) -> list[Failure]:
        return []

    def note_retracted(self, _boxes: tuple[Box, ...], back: bool = False) -> list[Failure]:
        return []


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Hosts:
    made = Hosts()

    @contextlib.contextmanager
    def host() -> Iterator[Any]:
        journal = SimpleNamespace(write=lambda *_words, **_more: None)
        tools = SimpleNamespace(directory=None, hosts=made, journal=journal)
        yield tools, None, SimpleNamespace(domain="ac-exemple.test"), ""

    monkeypatch.setattr(paths, "HOSTED", True)
    monkeypatch.setattr(mail_retract, "host", host)
    for name in ("keep", "load", "prune", "alone"):
        function = getattr(store, name)
        monkeypatch.setattr(store, name, lambda one, _folder=None, function=function: function(one, tmp_path))
    monkeypatch.setattr(owners, "thank", lambda *_words: None)
    return made


def plan(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert main([*WORDS, *words]) == ExitCode.DONE
    return json.loads(capsys.readouterr().out)


def test_what_is_merely_like_a_message_stays(hosts: Hosts, capsys: pytest.CaptureFixture[str]) -> None:
    done = plan(capsys, "--like", "Q1", "--reason", "essai")
    assert hosts.taken == ["a"] and done["stage"] == "done"
    assert [(one["alike"], one["messages"][0]["queue"]) for one in done["like"]] == [(30, "Q3"), (27, "Q2")]


def test_it_is_taken_by_the_number_of_a_plan(hosts: Hosts, capsys: pytest.CaptureFixture[str]) -> None:
    one = plan(capsys, "--like", "Q1", "--reason", "essai", "--dry-run")
    assert hosts.taken == []
    assert main([*WORDS, one["ident"], "--also", "9"]) == ExitCode.BAD_INPUT and hosts.taken == []
    capsys.readouterr()
    plan(capsys, one["ident"], "--also", "2")
    assert hosts.taken == ["a", "b"]
    more = plan(capsys, "--like", one["ident"], "--reason", "essai", "--dry-run")
    assert more["messages"] == [] and [each["messages"][0]["queue"] for each in more["like"]] == ["Q3", "Q2", "Q1"]
    capsys.readouterr()
    assert main([*WORDS, more["ident"]]) == ExitCode.BAD_INPUT
    assert "no message is named" in capsys.readouterr().err and hosts.taken == ["a", "b"]


def test_typed_again_it_takes_what_was_still_in_the_queue(hosts: Hosts, capsys: pytest.CaptureFixture[str]) -> None:
    (here,) = hosts.like[0].recipients
    late = Recipient("tard@ac-exemple.test", "tard", State.DEFERRED)
    hosts.like = (msgspec.structs.replace(hosts.like[0], recipients=(here, late)),)
    one = plan(capsys, "--like", "Q1", "--reason", "essai")
    assert (hosts.taken, one["waiting"]) == (["a"], ["tard@ac-exemple.test"])
    gone = msgspec.structs.replace(here, state=State.RETRACTED), msgspec.structs.replace(late, state=State.FILED)
    hosts.like = (msgspec.structs.replace(hosts.like[0], recipients=gone),)
    again = plan(capsys, one["ident"])
    assert hosts.taken == ["a", "a", "tard"] and again["waiting"] == []
    assert [box["uid"] for box in again["boxes"]] == ["a", "tard"], "all come back by an undo"


def test_what_another_person_did_while_one_is_asked_is_not_forgotten(
    hosts: Hosts, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The portal's order took a copy more, which lies where no look finds it, and a plan of before does not know."""
    ident = plan(capsys, "--like", "Q1", "--reason", "essai", "--dry-run")["ident"]

    def meanwhile(_question: str, *, yes: bool) -> None:
        one = store.load(ident)
        one.copies.append(Copy("tard", "INBOX", "tard"))
        store.keep(one)
        hosts.taken.append("tard")

    monkeypatch.setattr(mail_retract, "confirm", meanwhile)
    assert [one["uid"] for one in plan(capsys, ident)["copies"]] == ["a", "tard"]
    assert main(["mail", "undo", ident, "--json"]) == ExitCode.DONE
    assert hosts.taken == []


def test_the_plan_for_a_person_names_each_like_message(hosts: Hosts, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["mail", "retract", "--like", "Q1", "--reason", "essai", "--dry-run"]
    assert main(words) == ExitCode.DONE
    lines = capsys.readouterr().out.splitlines()
    assert "1 message in 1 box, of 1 that got any:" in lines[0]
    assert any("1. 30 of 32 alike, 1 box: 1 × from chef@x" in line for line in lines)
    assert any("2. 27 of 32 alike, 1 box: 1 × from pirate@x" in line for line in lines)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--like", "Q9", "--reason", "essai"], "nothing that can be compared"),
        (["--like", "Q1", "--also", "1", "--reason", "essai"], "--also goes with the name"),
        (["--like", "Q1"], "needs a reason"),
    ],
)
def test_what_cannot_be_is_refused(
    hosts: Hosts, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main([*WORDS, *words]) == ExitCode.BAD_INPUT
    assert said in capsys.readouterr().err and hosts.taken == []
