"""One run of the steps that bring SOGo to the directory."""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from malleposte.core.errors import MallepostError
from malleposte.directory.query import Query, Values
from malleposte.groupware.sogo import sync
from malleposte.groupware.sogo.reading import Reading
from malleposte.groupware.sogo.sync import Settings, Step

NOW = 1_800_000_000.0
SETTINGS = Settings(
    "dc=test", "cn=sogo", "ldapi:///", "sogo", "/m.sock", ["a"], ["active"], ["active"], True, True, "", 200
)


def nothing() -> Iterator[tuple[str, str]]:
    yield from ()


def test_a_step_that_fails_is_named_and_the_others_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done: list[str] = []

    def away() -> Iterator[tuple[str, str]]:
        raise MallepostError("directory: no answer")

    def some() -> Iterator[tuple[str, str]]:
        done.append("some")
        yield "salle.a", ""
        yield "salle.b", "SOGo made no agenda of it"

    steps = [Step("senders", away), Step("rooms", some, "new rights to book"), Step("others", nothing)]
    assert sync.run(steps, tmp_path / "steps.json", NOW) == 1
    assert done == ["some"]
    assert capsys.readouterr().err.splitlines() == [
        "<3>the senders of SOGo are as they were: directory: no answer",
        "<5>salle.a: new rights to book",
        "<4>rooms: salle.b: SOGo made no agenda of it",
    ]
    assert sync.run(steps[2:], tmp_path / "steps.json", NOW) == 0


def test_a_step_rests_once_it_has_nothing_to_change_until_its_time_or_its_file_comes(tmp_path: Path) -> None:
    changes, ran, source = [2], list[float](), tmp_path / "shown.json"

    def books() -> Iterator[tuple[str, str]]:
        ran.append(now)
        if changes[0]:
            changes[0] -= 1
            yield "9990001x", ""

    hourly = Step("books", books, every=3600, source=source)
    for now in (NOW, NOW + 120, NOW + 240, NOW + 360, NOW + 3839):
        assert sync.run([hourly], tmp_path / "steps.json", now) == 0
    assert ran == [NOW, NOW + 120, NOW + 240], "until nothing changes, then not before an hour is over"
    source.write_text("[]")
    for now, changed in ((NOW + 3841, NOW), (NOW + 3900, NOW), (NOW + 3910, NOW + 3905), (NOW, NOW)):
        os.utime(source, (changed, changed))
        assert sync.run([hourly], tmp_path / "steps.json", now) == 0
    assert ran[3:] == [NOW + 3841, NOW + 3910, NOW], "a clock that was set back is no rest"
    (tmp_path / "steps.json").unlink()
    assert sync.run([hourly], tmp_path / "steps.json", now) == 0
    assert len(ran) == 7


def test_a_memory_that_is_removed_during_a_run_is_not_written_again(tmp_path: Path) -> None:
    memory = tmp_path / "steps.json"

    def removed() -> Iterator[tuple[str, str]]:
        memory.unlink(missing_ok=True)
        yield from ()

    for times in (1, 2):  # there is none at first
        assert sync.run([Step("rooms", nothing)], memory, NOW * times) == 0
        assert json.loads(memory.read_text()) == {"rooms": NOW * times}
    assert sync.run([Step("rooms", removed)], memory, NOW) == 0
    assert not memory.exists()


def test_a_memory_that_cannot_be_read_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "steps.json").write_text("[]x")
    assert sync.run([Step("rooms", nothing)], tmp_path / "steps.json", NOW) == 0
    assert json.loads((tmp_path / "steps.json").read_text()) == {"rooms": NOW}


def test_an_entry_that_left_the_directory_meanwhile_is_no_fault() -> None:
    reading = Reading(
        "dc=test", lambda condition, _attributes: [{"uid": ["here"]}] if "here" in condition.render() else []
    )
    changes = [("here", "SOGo made no agenda of it"), ("gone", "SOGo made no agenda of it"), ("gone", "")]
    assert [*reading.standing(changes)] == [("here", "SOGo made no agenda of it"), ("gone", "")]


def test_steps_that_are_not_wanted_are_none() -> None:
    def parts(**more: bool) -> list[str]:
        reading = Reading("dc=test", lambda *_: [])
        return [one.part for one in sync.steps(Settings(**{**vars(SETTINGS), **more}), reading, Path("/x"))]

    assert parts() == [
        "limits", "rooms", "agendas of functional boxes", "address books of teams",
        "copies of agendas of functional boxes and of address books of teams", "published calendars",
        "address books of schools", "names of schools", "deleted items", "senders",
    ]  # fmt: skip
    assert parts(calendars=False, senders=False) == [
        "limits", "rooms", "agendas of functional boxes", "address books of teams", "address books of schools",
        "names of schools", "deleted items",
    ]  # fmt: skip


@pytest.mark.parametrize(("words", "text", "code"), [((), None, 2), (("FILE",), "{}", 1), (("FILE",), "x", 1)])
def test_other_words_and_settings_are_refused(
    words: Sequence[str], text: str | None, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "sync.json"
    path.write_text(text or "")
    assert sync.main([str(path) for _word in words]) == code
    assert ("usage: sogo-sync" if code == 2 else f"<3>{path}: ") in capsys.readouterr().err


def test_the_directory_is_read_once_and_agents_are_those_whose_class_has_sogo() -> None:
    asked: list[tuple[str, Sequence[str]]] = []

    def search(query: Query, attributes: Sequence[str]) -> Iterable[Values]:
        asked.append((query.render(), attributes))
        return [{"uid": ["anne"], "mpEstablishment": ["9990001X"]}, {"uid": ["no uid!"]}, {"cn": ["nobody"]}]

    reading = Reading("dc=test", search, ("a", "b"))
    assert reading.agents == reading.agents == {"anne": {"uid": ["anne"], "mpEstablishment": ["9990001X"]}}
    assert asked == [
        ("(&(objectClass=mpAgent)(|(mpProfile=a)(mpProfile=b)))", ("uid", "mpEstablishment", "mpOpens", "mpReads")),
    ]
    assert list(Reading("dc=test", search).agents) == ["anne"]
    assert asked[-1][0] == "(&(objectClass=mpAgent))"


def test_pages_are_given_the_names_of_schools(tmp_path: Path) -> None:
    names = {"9990001h": "Collège Jean-Moulin"}

    def search(_: Query, wanted: Sequence[str]) -> list[Values]:
        assert tuple(wanted) == ("mpEstablishment", "o")
        return [{"mpEstablishment": [code.upper()], "o": [name]} for code, name in names.items()]

    def step() -> Step:
        reading = Reading("dc=test", search)
        return next(one for one in sync.steps(SETTINGS, reading, tmp_path) if one.part == "names of schools")

    file = tmp_path / "schools.json"
    assert len(list(step().work())) == 1
    assert json.loads(file.read_text("utf-8")) == names
    assert file.stat().st_mode & 0o777 == 0o644, "the web server reads it"
    assert list(step().work()) == []
    names["9990002j"] = "Lycée Pothier"
    assert len(list(step().work())) == 1 and json.loads(file.read_text("utf-8")) == names
