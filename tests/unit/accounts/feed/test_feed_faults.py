"""Faults of a feed: a bad cell costs the cell, a bad row the row; its sender reads French, the operator a code."""

import json
import re
from pathlib import Path

import pytest
from malleposte.accounts.feed import columns, recase, rejects
from malleposte.accounts.plan import changes, show
from malleposte.commands.accounts import feed as commands
from malleposte.core.errors import ExitCode, InputError

from tests.support import naughty
from tests.support.classes import read_feed
from tests.unit.accounts.plan.test_build import House, read, row

ENGLISH = re.compile(r"\b(is|not|the|empty|already|line|cells?|row|of|no|characters?|wrong|at most)\b")


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


# --- a bad cell ---


@pytest.mark.parametrize(
    "cells", ["9990001A;;;;", "9990001X;=x;;;", "9990001X;;zimbra;;", "9990001X;;;12;", "9990001X;;;;31/02/2026"]
)
def test_a_cell_that_an_agent_can_do_without_costs_the_cell(house: House, cells: str) -> None:
    source = read(row(1, rest=cells))
    assert (len(source.people), source.rejects, source.left_out) == (1, (), 1)
    made = house.plan(source)
    assert ([change.uid for change in made.changes], made.left_out, made.rejected) == (["zmartin"], 1, 0)
    assert house.apply(made).done == 1
    assert "ligne prise sans cette donnée" in rejects.render(source)
    assert "ligne refusée" not in rejects.render(source)


def test_a_cell_that_names_an_agent_costs_the_row() -> None:
    source = read(row(1), row(2, "M@rtin"))
    assert ([person.line for person in source.people], [one.line for one in source.rejects]) == ([2], [3])
    assert "ligne refusée" in rejects.render(source)


def test_a_bad_cell_leaves_what_the_account_has_and_an_empty_one_takes_it(house: House) -> None:
    house.feed(row(1, rest="9990001X;Attaché;;;"))
    house.feed(row(1, rest="9990001A;=x;;;"))
    held = house.entry("zmartin")
    assert (held["mpEstablishment"], held["mpCorps"]) == (["9990001X"], ["Attaché"])
    assert list(house.plan(read(row(1, rest="9990001A;=x;;;"))).changes) == []
    house.feed(row(1, rest=";;;;"))
    assert not {"mpEstablishment", "mpCorps"} & set(house.entry("zmartin"))


def test_an_end_that_cannot_be_read_brings_nobody_back(house: House) -> None:
    house.feed(row(1), row(2, "Durand"))
    house.feed(row(2, "Durand"))
    assert house.entry("zmartin")["mpState"] == ["suspended"]
    house.feed(row(1, rest="9990001X;;;;31/02/2026"), row(2, "Durand"))
    assert house.entry("zmartin")["mpState"] == ["suspended"]
    house.feed(row(1), row(2, "Durand"))
    assert house.entry("zmartin")["mpState"] == ["pending"]


def test_of_a_school_too_but_not_of_a_list() -> None:
    source = read_feed(b"UAI;Denomination;Code postal\n9990001X;Ecole;abc\n", "ecoles.csv")
    assert ([school.postal_code for school in source.schools], source.left_out) == ([""], 1)
    source = read_feed(b"Liste;Debit\nconseil;beaucoup\n", "listes.csv")
    assert (source.lists, len(source.rejects), source.left_out) == ((), 1, 0)


def test_no_reason_has_a_word_of_english() -> None:
    header = "numen;nom;prenom;uai;corps;profil;portable;mel perso;debut;fin"
    good = ["01E9500001ABC", "Martin", "Zoé", "9990001X", "", "", "", "", "2026-09-01", ""]
    bad = [[*good[:place], text, *good[place + 1 :]] for text in (*naughty.every(), "x", "") for place in range(10)]
    bad += [good, good, [*good[:9], "2020-01-01"], [*good, "x"]]
    lines = [";".join('"' + cell.replace('"', '""') + '"' for cell in cells) for cells in bad]
    source = read_feed("\n".join((header, *lines)).encode("utf-8", "replace"), "pire.csv")
    told = [problem.cause for one in (*source.rejects, *source.warnings) for problem in one.problems]
    assert len(told) > 500
    assert [cause for cause in told if ENGLISH.search(re.sub(r"'[^']*'|\"[^\"]*\"", "", cause))] == []


# --- names and addresses ---


@pytest.mark.parametrize("renamed_first", [True, False])
def test_one_register_of_addresses_serves_a_whole_feed(house: House, renamed_first: bool) -> None:
    house.feed(row(1, "Durand"))
    rows = [row(1, "Martin"), row(2, "Martin")]
    outcome = house.feed(*(rows if renamed_first else reversed(rows)))
    assert outcome.skipped == []
    addresses = [house.entry(uid)["mail"][0] for uid in ("zdurand", "zmartin")]
    assert sorted(addresses) == ["zoe.martin2@ac-exemple.test", "zoe.martin@ac-exemple.test"]


def test_two_who_are_renamed_alike_get_two_addresses(house: House) -> None:
    house.feed(row(1, "Durand"), row(2, "Petit"))
    assert house.feed(row(1, "Martin"), row(2, "Martin")).skipped == []
    addresses = [house.entry(uid)["mail"][0] for uid in ("zdurand", "zpetit")]
    assert addresses == ["zoe.martin@ac-exemple.test", "zoe.martin2@ac-exemple.test"]


@pytest.mark.parametrize(
    ("capitals", "written"),
    [
        ("DUPOND", "Dupond"), ("LE GOFF", "Le Goff"), ("DE LA TOUR", "de La Tour"), ("DU BELLAY", "du Bellay"),
        ("DES PÉRIERS", "des Périers"), ("D'ARTAGNAN", "d'Artagnan"), ("D’ALMEIDA", "d’Almeida"),
        ("L'HERMITE", "L'Hermite"), ("O'BRIEN", "O'Brien"), ("N'DIAYE", "N'Diaye"), ("MCDONALD", "McDonald"),
        ("MACÉ", "Macé"), ("JEAN-PIERRE", "Jean-Pierre"), ("MARTIN-DE LA TOUR", "Martin-de La Tour"),
        ("ÉLODIE", "Élodie"), ("ŒUVRARD", "Œuvrard"), ("VAN DER MEER", "Van der Meer"), ("VON BRAUN", "von Braun"),
        ("DE", "De"), ("DU", "Du"), ("NG", "Ng"), ("J.P.", "J.P."), ("DOS SANTOS", "Dos Santos"),
        ("İBRAHİM", "İbrahim"),
        # Whoever wrote small letters meant them.
        ("McDonald", "McDonald"), ("de LA TOUR", "de La Tour"), ("Le Goff", "Le Goff"), ("d'Artagnan", "d'Artagnan"),
    ],
)  # fmt: skip
def test_capitals_are_written_as_french_does(capitals: str, written: str) -> None:
    assert recase.name(capitals) == written
    assert recase.name(written) == written


def test_names_are_recased_on_wish_alone(house: House) -> None:
    content = b"numen;nom;prenom\n01E9500001ABC;DE LA TOUR;ZOE\n"
    as_it_came, wished = read_feed(content, "a.csv"), read_feed(content, "a.csv", recase=True)
    assert (as_it_came.people[0].surname, wished.people[0].surname) == ("DE LA TOUR", "de La Tour")
    house.apply(house.plan(as_it_came))
    before = house.entry("zde-la-tour")["mail"]
    house.apply(house.plan(wished))
    held = house.entry("zde-la-tour")
    assert (held["cn"], held["mail"]) == (["Zoe de La Tour"], before)


# --- columns ---


def test_every_fault_of_a_mapping_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "colonnes.yml"
    path.write_text("numne: x\nnom: []\nfonctoin: y\nprenom: Prenom\n", "utf-8")
    with pytest.raises(InputError) as error:
        columns.read_mapping(path)
    for said in ("numne is no known column (numen?)", "nom wants the title", "fonctoin is no known column (fonction?)"):
        assert said in str(error.value)
    assert "prenom wants" not in str(error.value)


def test_every_fault_of_the_columns_is_told_at_once() -> None:
    with pytest.raises(InputError) as error:
        read_feed(b"UAI;RNE;Identifiant\n", "a.csv", {"corps": "Grade exact"})
    for said in ("are both uai", "no column « Grade exact » for corps", "no column for numen", "no column for nom",
                 "no column for prenom", "columns: UAI, RNE, Identifiant", "--columns"):  # fmt: skip
        assert said in str(error.value)
    assert read_feed(b"Identifiant;Nom;Prenom\n", "a.csv", {"numen": "Identifiant"}).kind == columns.AGENT


# --- the commands ---


def a_plan(house: House, *rows: str, whole: bool = False) -> commands.Planned:
    source = read(*rows)
    made = house.plan(source)
    text = [f"{line}\n" for line in show.lines(made, {}, whole=whole)]
    refused = rejects.render(source)
    return commands.Planned("20261126-081500-3f2a", len(made.changes), made.rejected, made.left_out, refused, text)


@pytest.fixture
def told(house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run `plan` or `import` on rows; its exit code and what it printed."""

    def ran(
        command: str, rows: list[str], folder: Path, *options: str, skipped: int = 0, away: int = 0
    ) -> tuple[int, str, str]:
        found = a_plan(house, *rows, whole="--all" in options)
        monkeypatch.setattr(commands, "planned", lambda *_of, **_more: found)
        lost = [{"uid": "x", "kind": "modify", "reason": "changed"}] * skipped
        silent = ["mdupond: mail1: no route to host"] * away
        answer = {"done": found.changes, "already": 0, "skipped": lost, "failures": silent, "seconds": 0.0}
        monkeypatch.setattr(commands, "carried_out", lambda *_of, **_more: answer)
        one = {"plan": commands.plan_command, "import": commands.import_command}[command]
        code = one.main([str(folder / "rh.csv"), *options], standalone_mode=False)
        return (code, *capsys.readouterr())

    return ran


@pytest.mark.parametrize(("skipped", "away", "finishes"), [(0, 1, "apply X"), (1, 0, "revert Y"), (1, 1, "apply X")])
def test_what_a_host_that_was_away_still_has_is_finished_by_the_plan_that_removed_it(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], skipped: int, away: int,
    finishes: str,
) -> None:  # fmt: skip
    """A further plan of `revert` finds no entry any more, and leaves the stores as they are."""
    answer = {"done": 1, "already": 0, "seconds": 0.0, "failures": ["stores: no route to host"] * away,
              "skipped": [{"uid": "x", "kind": "modify", "reason": "changed"}] * skipped}  # fmt: skip
    monkeypatch.setattr(commands, "applied", lambda *_of, **_more: answer)
    commands.carry_through("X", house.plan(read(row(1))), "revert Y", forced=(), as_json=False)
    assert f"to finish it: malleposte accounts {finishes}\n" in capsys.readouterr().err


def test_the_command_that_finishes_a_plan_lets_go_the_same_brakes(
    told, house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The plan is stopped by them again, although all of it is in the directory."""
    end = "to finish it: malleposte accounts apply {} --force departures\n"
    _, _, err = told("import", [row(1)], tmp_path, "--yes", "--force-departures", away=1)
    assert end.format("20261126-081500-3f2a") in err
    answer = {"done": 1, "already": 0, "seconds": 0.0, "failures": ["web1: no route to host"], "skipped": []}
    monkeypatch.setattr(commands, "applied", lambda *_of, **_more: answer)
    commands.carry_through("X", house.plan(read(row(1))), "", forced=["departures"], as_json=False)
    assert end.format("X") in capsys.readouterr().err
    monkeypatch.setattr(commands.paths, "HOSTED", True)
    commands.apply_command.main(["X", "--force", "departures"], standalone_mode=False)
    assert end.format("X") in capsys.readouterr().err


def test_exit_codes_tell_a_part_from_the_whole(told, tmp_path: Path) -> None:
    good, bad, odd = row(1), row(2, "M@rtin"), row(3, "Durand", rest="9990001A;;;;")
    assert told("import", [good], tmp_path, "--yes")[0] == ExitCode.DONE
    assert told("import", [good, odd], tmp_path, "--yes")[0] == ExitCode.DONE
    assert told("import", [good, bad], tmp_path, "--yes")[0] == ExitCode.PARTLY
    assert told("import", [good, bad], tmp_path, "--yes", skipped=1)[0] == ExitCode.FAILURE
    code, _, err = told("import", [good], tmp_path, "--yes", away=1)
    assert (code, "to finish it: malleposte accounts apply 20261126-081500-3f2a" in err) == (ExitCode.PARTLY, True)
    code, _, err = told("plan", [good], tmp_path)
    assert (code, "to apply it: malleposte accounts apply 20261126-081500-3f2a" in err) == (ExitCode.DONE, True)
    assert told("plan", [good, bad], tmp_path)[0] == ExitCode.PARTLY
    assert told("plan", [good, bad], tmp_path, "--detailed-exitcode")[0] == ExitCode.CHANGES
    assert told("plan", [bad], tmp_path, "--detailed-exitcode")[0] == ExitCode.PARTLY
    code, out, _ = told("import", [good, bad, odd], tmp_path, "--yes", "--json")
    document = json.loads(out)
    assert (code, document["rejected"], document["left_out"]) == (ExitCode.PARTLY, 1, 1)


def test_a_file_of_refused_rows_goes_when_nothing_is_refused_any_more(told, tmp_path: Path) -> None:
    path = tmp_path / "rh.rejects.csv"
    told("plan", [row(1), row(2, "M@rtin")], tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    _, _, err = told("import", [row(1)], tmp_path, "--yes")
    assert not path.exists()
    assert "removed" in err
    path.write_text("somebody's own table\n", "utf-8")
    told("import", [row(1)], tmp_path, "--yes")
    assert path.exists()


def test_an_apply_still_ends_with_the_departures(house: House) -> None:
    house.feed(row(1, "Parti"), row(2, "Ancien"))
    made = house.plan(read(row(2, "Nouveau"), row(3, "Neuf")))
    assert [change.kind for change in made.changes] == [changes.Kind.CREATE, changes.Kind.MODIFY, changes.Kind.SUSPEND]
