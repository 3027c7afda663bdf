"""The file of a convocation: its columns, its moments, and the rows that are refused."""

from __future__ import annotations

import pytest
from malleposte.accounts.convocations import feed
from malleposte.accounts.convocations.model import Row
from malleposte.core.errors import InputError

HEAD = "Agent;Titre;Début;Fin;Lieu;Texte;Remplaçants;Référence\n"


def rows(text: str) -> tuple[list[Row], list[str]]:
    made, refused = feed.read(text.encode(), "jury.csv")
    return made, [one.reason for one in refused]


def test_a_row_is_an_invitation() -> None:
    (row,), refused = rows(
        HEAD
        + 'mdupond;Jury;15/06/2026 08:00;15/06/2026 à 12 h 30;Salle 3;"Un stylo.\nUne pièce d’identité.";a,b@x.fr;J1\n'
    )
    assert refused == [] and row.line == 2
    assert (row.who, row.substitutes, row.reference) == ("mdupond", ("a", "b@x.fr"), "J1")
    event = row.event
    assert (event.title, event.begin, event.end) == ("Jury", "2026-06-15T08:00", "2026-06-15T12:30")
    assert (event.place, event.text) == ("Salle 3", "Un stylo.\nUne pièce d’identité.")
    assert "mdupond" not in repr(row), "it may be a NUMEN"


@pytest.mark.parametrize(
    ("line", "begin", "end"),
    [
        ("a;T;15/06/2026;8h;12 h 30", "2026-06-15T08:00", "2026-06-15T12:30"),
        ("a;T;15/06/2026;08:00;17:00:00", "2026-06-15T08:00", "2026-06-15T17:00"),
        ("a;T;2026-06-15;;", "2026-06-15", "2026-06-15"),
        ("a;T;;2026-06-15T08:00;12h", "2026-06-15T08:00", "2026-06-15T12:00"),
        ("a;T;;15/06/2026;16/06/2026", "2026-06-15", "2026-06-16"),
    ],
)
def test_moments_are_read_as_people_write_them(line: str, begin: str, end: str) -> None:
    (row,), _refused = rows(f"Agent;Titre;Date;Début;Fin\n{line}\n")
    assert (row.event.begin, row.event.end) == (begin, end)


def test_whole_days_end_with_their_last_one() -> None:
    (row,), _refused = rows("Agent;Titre;Début;Fin\na;T;15/06/2026;16/06/2026\n")
    assert row.event.whole_days and (row.event.ends - row.event.starts).days == 2


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (";T;15/06/2026;;", "no agent"),
        ("a;;15/06/2026;;", "no title"),
        ("a;T;;8h;9h", "without a day"),
        ("a;T;15/06/2026;25h;26h", "no hour"),
        ("a;T;15/06/2026;12h;8h", "not after"),
        ("a;T;15/06/2026;8h;8h", "not after"),
        ("a;T;15/06/2026;8h;", "one end alone"),
        ("a;T;15/13/2026;8h;9h", "not a date"),
        ("a;T;;2026-01-01;2026-12-31", "more than 31 days"),
        ("a;=cmd();15/06/2026;8h;9h", "like a formula"),
        ("a;T\u202eX;15/06/2026;8h;9h", "invisible"),
        (f"a;{'t' * 300};15/06/2026;8h;9h", "characters"),
    ],
)
def test_a_bad_row_is_refused_and_the_next_is_taken(line: str, reason: str) -> None:
    made, refused = rows(f"Agent;Titre;Date;Début;Fin\n{line}\nb;T;15/06/2026;8h;9h\n")
    assert [row.who for row in made] == ["b"]
    assert len(refused) == 1 and reason in refused[0]


def test_a_long_text_and_many_substitutes_are_refused() -> None:
    for cells in (f"{'x' * 2001};", ";" + ",".join(f"s{number}" for number in range(6))):
        made, refused = rows(f"Agent;Titre;Date;Texte;Remplaçants\na;T;15/06/2026;{cells}\n")
        assert made == [] and len(refused) == 1
    (row,), _refused = rows(f"Agent;Titre;Date;Texte;Remplaçants\na;T;15/06/2026;{'x' * 2000};s1\n")
    assert len(row.event.text) == 2000


@pytest.mark.parametrize("head", ["Agent;Titre", "Titre;Date", "Agent;Titre;Date;Date"])
def test_a_file_without_its_columns_is_refused(head: str) -> None:
    with pytest.raises(InputError, match="column"):
        rows(f"{head}\na;T;x;y\n")
