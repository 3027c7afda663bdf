"""`malleposte convoke` and `convocations`: a file, typed again, changed, called off; the way from the controller."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from malleposte.accounts import facts
from malleposte.accounts.convocations import store
from malleposte.accounts.convocations.model import Answer, Convocation, ConvocationRules, Stage, Way
from malleposte.cli import main
from malleposte.commands import away, convocations, convoke
from malleposte.core import paths
from malleposte.core.errors import ExitCode
from malleposte.fleet import remote

from tests.unit.accounts.convocations.office import KEYS, directory

HEAD = "Agent;Titre;Date;Début;Fin;Lieu\n"
ROW = "{};Jury;15/06/2099;8h;12h;Salle 3\n"


class Desk:
    """The directory's host: its folder, its directory, a file, what was written into the journal."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder / "convocations", folder / "jury.csv"
        self.journal: list[str] = []
        self.directory = directory("anne", "bruno", "chantal")
        self.absent = {"bruno"}

    def write(self, *rows: str) -> None:
        self.file.write_text(HEAD + "".join(ROW.format(row) for row in rows), "utf-8")

    def every(self) -> list[Convocation]:
        return list(store.every(self.folder))


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Desk:
    made = Desk(tmp_path)

    @contextlib.contextmanager
    def host() -> Iterator[Any]:
        journal = SimpleNamespace(write=lambda act, *_words, **_more: made.journal.append(act), sync=lambda: None)
        hosts = SimpleNamespace(look=lambda uid: SimpleNamespace(absence=uid in made.absent))
        tools = SimpleNamespace(directory=made.directory, hosts=hosts, journal=journal)
        settings = SimpleNamespace(domain="ac-exemple.test", keys=lambda: KEYS)
        yield tools, SimpleNamespace(convocations=ConvocationRules()), settings, ""

    monkeypatch.setattr(paths, "HOSTED", True)
    for module in (convoke, convocations):
        monkeypatch.setattr(module, "host", host)
    for name in ("keep", "ask", "load", "has", "every", "standing", "turn"):
        function = getattr(store, name)
        inner = getattr(function, "__wrapped__", function)
        defaults = tuple(made.folder if one == store.FOLDER else one for one in inner.__defaults__)
        monkeypatch.setattr(inner, "__defaults__", defaults)
    monkeypatch.setattr(facts, "read", lambda: {"academy": "académie d’Exemple"})
    return made


def done(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(list(words))
    return code, capsys.readouterr().out


def test_a_file_is_planned_sent_and_typed_again(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.write("anne", "bruno", "personne")
    words = ["convoke", str(desk.file), "--office", "dec"]
    code, text = done(capsys, *words, "--dry-run")
    assert code == ExitCode.PARTLY and desk.every() == [] and desk.journal == []
    for part in (
        "2 new",
        "anne: Jury, 2099-06-15 08:00",
        "Agent Bruno: announces an absence",
        "line 4:",
        "60 a minute",
    ):
        assert part in text, part
    code, text = done(capsys, *words, "--yes", "--json")
    (one,) = desk.every()
    answer = json.loads(text)
    assert (answer["convocation"], len(answer["new"]), answer["notes"][0]["word"]) == (one.ident, 2, "absent")
    assert not any(invitee.token in text for invitee in one.invitees), "the words of events are the agents' own"
    assert [invitee.key for invitee in one.invitees] == ["anne", "bruno"] and store.asked(desk.folder)
    assert (one.stage, one.name, one.office, one.remind_days, desk.journal) == (
        Stage.OPEN,
        "jury",
        "dec",
        (3,),
        ["convoke"],
    )
    code, text = done(capsys, "convoke", str(desk.file), "--yes")
    assert desk.every() == [one] and "0 new, 0 changed, 0 called off, 2 as they were" in text


def test_a_changed_file_changes_what_differs_and_keeps_answers(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.write("anne", "bruno")
    done(
        capsys, "convoke", str(desk.file), "--office", "dec", "--yes", "--substitute", "--remind", "7", "--remind", "2"
    )
    (one,) = desk.every()
    one.invitees[0].reply(Answer.YES, Way.PORTAL, 1)
    store.keep(one)
    desk.write("anne", "chantal")
    code, text = done(capsys, "convoke", str(desk.file), "--yes")
    assert code == ExitCode.DONE and "1 new, 0 changed, 1 called off, 1 as they were" in text
    (one,) = desk.every()
    assert [(each.key, each.off, each.answer) for each in one.invitees] == [
        ("anne", False, "yes"), ("bruno", True, ""), ("chantal", False, ""),
    ]  # fmt: skip
    assert one.substitute and one.remind_days == (7, 2)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--yes"], "needs --office"), (["--office", "nulle-part", "--yes"], "no functional box"),
        (["--office", "dec", "--remind", "0"], "0 is not in the range"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_and_changes_nothing(
    desk: Desk, capsys: pytest.CaptureFixture[str], words: list[str], part: str
) -> None:
    desk.write("anne")
    assert main(["convoke", str(desk.file), *words]) == ExitCode.BAD_INPUT
    assert part in capsys.readouterr().err and desk.every() == []


def test_nobody_is_invited_without_a_yes(
    desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    desk.write("anne")
    assert main(["convoke", str(desk.file), "--office", "dec"]) == ExitCode.FAILURE
    assert "nothing was changed" in capsys.readouterr().err and desk.every() == []


def test_a_name_of_two_offices_needs_one(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.directory.add(
        f"uid=drh,ou=functional,{desk.directory.suffix}",
        {"uid": ["drh"], "cn": ["DRH"], "mail": ["drh@ac-exemple.test"], "mailLocalAddress": ["drh@ac-exemple.test"]},
    )
    desk.write("anne")
    for office in ("dec", "drh"):
        assert main(["convoke", str(desk.file), "--office", office, "--yes"]) == ExitCode.DONE
    assert main(["convoke", str(desk.file), "--yes"]) == ExitCode.BAD_INPUT
    assert main(["convocations", "show", "jury.csv"]) == ExitCode.BAD_INPUT
    assert "several offices" in capsys.readouterr().err and len(desk.every()) == 2


def test_the_list_the_answers_and_the_report(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.write("anne", "bruno")
    done(capsys, "convoke", str(desk.file), "--office", "dec", "--yes")
    (one,) = desk.every()
    one.invitees[0].reply(Answer.YES, Way.MAIL, 1)
    one.invitees[1].failure = "agenda: sogo took no entry"
    store.keep(one)
    assert "2 invited, 1 yes, 0 no, 0 perhaps, 1 silent, 2 not sent yet" in done(capsys, "convocations", "list")[1]
    text = done(capsys, "convocations", "show", "jury.csv")[1]
    assert "anne" in text and "tried again: agenda: sogo took no entry" in text
    whole = json.loads(done(capsys, "convocations", "show", one.ident, "--json")[1])
    assert [each["answer"] for each in whole["invitees"]] == ["yes", ""] and one.invitees[0].token not in str(whole)


def test_the_report_goes_to_standard_output(desk: Desk, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    desk.write("anne")
    main(["convoke", str(desk.file), "--office", "dec", "--yes", "--json"])
    capfdbinary.readouterr()
    assert main(["convocations", "report", "jury.csv"]) == ExitCode.DONE
    rows = list(csv.DictReader(io.StringIO(capfdbinary.readouterr().out.decode("utf-8-sig")), delimiter=";"))
    assert [row["Identifiant"] for row in rows] == ["anne"]
    assert main(["convocations", "report", "jury.csv", "--pdf"]) == ExitCode.DONE
    assert capfdbinary.readouterr().out.startswith(b"%PDF")


def test_all_is_called_off_once_and_the_silent_are_reminded(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.write("anne", "bruno")
    done(capsys, "convoke", str(desk.file), "--office", "dec", "--yes")
    (one,) = desk.every()
    one.invitees[0].mailed = 0
    store.keep(one)
    assert "1 will be reminded" in done(capsys, "convocations", "remind", "jury.csv")[1]
    assert "0 will be reminded" in done(capsys, "convocations", "remind", one.ident)[1]
    for _twice in range(2):
        assert done(capsys, "convocations", "cancel", "jury.csv", "--yes")[0] == ExitCode.DONE
    (one,) = desk.every()
    assert (one.stage, [each.sequence for each in one.invitees]) == (Stage.OFF, [1, 1])
    assert desk.journal == ["convoke", "convoke-off"]
    assert main(["convocations", "show", "autre.csv"]) == ExitCode.BAD_INPUT
    assert done(capsys, "convoke", str(desk.file), "--office", "dec", "--yes")[0] == ExitCode.DONE
    assert len(desk.every()) == 2, "what was called off is over: the file makes a new one"


def test_waiting_shows_how_far_it_is(desk: Desk) -> None:
    desk.write("anne", "bruno")
    main(["convoke", str(desk.file), "--office", "dec", "--yes", "--json"])
    seen: list[tuple[int, int]] = []

    def later(_seconds: float) -> None:
        (one,) = desk.every()
        invitee = next(each for each in one.invitees if each.to_mail)
        invitee.mailed, invitee.filed = invitee.sequence, invitee.entry_due
        store.keep(one)

    convoke.follow(desk.every()[0].ident, lambda ready, whole: seen.append((ready, whole)), later)  # type: ignore[arg-type]
    assert seen == [(0, 2), (1, 2)]


def test_the_controller_sends_the_file_and_asks_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "jury.csv"
    file.write_text(HEAD)
    ran: list[tuple[list[str], bytes]] = []

    def run(_place: Any, words: list[str], *, content: bytes) -> int:
        ran.append((words, content))
        return ExitCode.PARTLY

    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    monkeypatch.setattr(paths, "HOSTED", False)
    monkeypatch.setattr(remote, "places", lambda *_words, **_named: [remote.Place("directory1", ("ssh", "x"))])
    monkeypatch.setattr(convoke, "run", run)
    monkeypatch.setattr(away, "run", run)
    words = ["convoke", str(file), "--office", "dec", "--substitute", "--remind", "7"]
    same = ["convoke", "--name", "jury", "--office", "dec", "--substitute", "--remind", "7"]
    assert main([*words, "--dry-run"]) == ExitCode.PARTLY
    assert ran == [([*same, "--dry-run", "--", "-"], HEAD.encode())]
    ran.clear()
    assert main(words) == ExitCode.FAILURE, "nobody answers the question here"
    assert [typed[-3] for typed, _content in ran] == ["--dry-run"]
    ran.clear()
    assert main([*words, "--yes"]) == ExitCode.PARTLY
    assert [typed[-3] for typed, _content in ran] == ["--yes"]
    assert main(["convoke", "-"]) == ExitCode.BAD_INPUT
    assert "leaves no input" in capsys.readouterr().err
