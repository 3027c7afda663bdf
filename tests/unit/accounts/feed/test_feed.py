"""Feeds: encodings, separators, columns, cells; hostile files; a bad row is reported and stops no other."""

import phonenumbers
import pytest
from malleposte.accounts import feed
from malleposte.accounts.feed import columns, rejects, table, values
from malleposte.core.errors import InputError

from tests.support import academy
from tests.support.classes import read_feed

HEADER = "NUMEN;Nom;Prénom;UAI;Portable;Mél personnel;Profil;Date début;Date fin"
GOOD = "01E9500001ABC;Lefèvre;Élodie;9990001X;06 12 34 56 78;elodie@exemple.test;convergence;01/09/2026;"


def read(*rows: str, header: str = HEADER) -> feed.Feed:
    return read_feed("\n".join((header, *rows)).encode(), "essai.csv")


def reason(row: str) -> str:
    found = read(row)
    told = (*found.rejects, *found.warnings)
    assert len(told) == 1, found.people
    return told[0].reason


def test_a_good_row_is_canonical():
    (person,) = read(GOOD).people
    assert (person.surname, person.given_name, person.numen) == ("Lefèvre", "Élodie", "01E9500001ABC")
    assert person.recovery_phone == "+33612345678"
    assert person.begin == "2026-09-01"
    assert person.establishments == ("9990001X",)
    assert "01E9500001ABC" not in repr(person)


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
def test_every_encoding_and_separator_gives_the_same_people(encoding, separator):
    whole = academy.academy(40, 5)
    plain = read_feed(academy.agents_file(whole, "cp1252").decode("cp1252").encode(), "a.csv")
    found = read_feed(
        academy.agents_file(whole, "cp1252").decode("cp1252").replace(";", separator).encode(encoding), "a"
    )
    assert found.people == plain.people
    assert len(found.people) == 40


def test_a_workbook_gives_the_same_people():
    whole = academy.academy(20, 5)
    assert (
        read_feed(academy.workbook(academy.HEADER, *whole.agents), "a.xlsx").people
        == read_feed(academy.agents_file(whole), "a.csv").people
    )


@pytest.mark.parametrize(
    ("row", "column", "cause"),
    [
        (GOOD.replace("01E9500001ABC", "01E95001ABC"), "NUMEN", "n’est pas un NUMEN"),
        (GOOD.replace("01E9500001ABC", ""), "NUMEN", "vide"),
        (GOOD.replace("9990001X", "9990001A"), "UAI", "X pour 9990001"),
        (GOOD.replace("9990001X", "999001X"), "UAI", "7 chiffres et une lettre"),
        (GOOD.replace("06 12 34 56 78", "12 34"), "Portable", "n’est pas un numéro de téléphone"),
        (GOOD.replace("elodie@exemple.test", "elodie@"), "Mél personnel", "n’est pas une adresse"),
        (GOOD.replace("convergence", "zimbra"), "Profil", "n’est pas une classe de service"),
        (GOOD.replace("01/09/2026", "31/02/2026"), "Date début", "n’est pas une date"),
        (GOOD + "01/01/2020", "Date fin", "avant de commencer"),
        (GOOD.replace("Lefèvre", "=HYPERLINK(1)"), "Nom", "pas sa place dans un nom"),
        (GOOD.replace("Lefèvre", "L\0efèvre"), "Nom", "U+0000"),
        (GOOD.replace("Lefèvre", "Лев"), "Nom", "latin"),
        (GOOD.replace("Lefèvre", "x" * 1_000_000), "Nom", "1000000 caractères"),
        (GOOD.replace("Lefèvre", "*)(uid=*"), "Nom", "pas sa place dans un nom"),
        (GOOD.replace("Lefèvre", "A,ou=services"), "Nom", "pas sa place dans un nom"),
        (GOOD + ";x;y", "ligne", "plus que de colonnes"),
    ],
)
def test_a_bad_cell_is_named_with_its_cause(row, column, cause):
    text = reason(row)
    assert text.startswith(f"{column} : ")
    assert cause in text


def test_the_numen_is_never_repeated_in_a_reason():
    assert "01E95001ABC" not in reason(GOOD.replace("01E9500001ABC", "01E95001ABC"))


def test_all_that_is_wrong_with_a_row_is_said_at_once():
    found = read(GOOD.replace("9990001X", "x").replace("convergence", "y").replace("Lefèvre", ""))
    assert [problem.column for problem in found.rejects[0].problems] == ["Nom", "UAI", "Profil"]


def test_bad_rows_stop_no_good_one_and_keep_their_line():
    found = read(GOOD, "x;y;z", "", GOOD.replace("00001", "00002"), GOOD)
    assert [person.line for person in found.people] == [2, 5]
    assert [(reject.line, reject.reason) for reject in found.rejects][1] == (6, "NUMEN : déjà à la ligne 2")


def test_a_cell_over_two_lines_keeps_the_count_of_lines_right():
    found = read(GOOD.replace("Élodie", '"Élo\ndie"'), "x;y;z")
    assert found.people[0].given_name == "Élo die"
    assert found.rejects[0].line == 4


def test_a_mapping_names_the_columns(tmp_path):
    path = tmp_path / "colonnes.yml"
    path.write_text("numen: Ident\nnom: Patro\n", "utf-8")
    mapping = columns.read_mapping(path)
    found = read_feed(b"Ident;Patro;Prenom;Nom\n01E9500001ABC;Martin;Zoe;autre\n", "a.csv", mapping)
    assert (found.people[0].surname, found.columns.ignored) == ("Martin", ("Nom",))
    path.write_text("numne: x\n", "utf-8")
    with pytest.raises(InputError, match=r"numne is no known column \(numen\?\)"):
        columns.read_mapping(path)
    with pytest.raises(InputError, match="no column « Patro » for nom"):
        read_feed(b"Ident;Nom;Prenom\n", "a.csv", mapping)


def test_schools_are_told_from_agents_by_their_columns():
    found = read_feed(academy.schools_file(academy.academy(0, 3)), "ecoles.csv")
    assert found.kind == columns.SCHOOL
    assert [school.uai for school in found.schools] == ["9990001X", "9990002Y", "9990003Z"]


def test_rejects_are_inert_in_a_spreadsheet():
    text = rejects.render(read(GOOD.replace("Lefèvre", "=cmd|'/C calc'!A1"), "+1;-2;@x"))
    for cell in ("'=cmd", "'+1", "'-2", "'@x"):
        assert f'"{cell}' in text
    assert text.startswith("\ufeff")


@pytest.mark.parametrize("code", ["0750655E", "0750654D", "0333298F", "0690026D"])
def test_check_letters_of_known_codes(code):
    assert values.uai(code.lower()) == code


def test_the_separator_is_the_one_that_occurs_most():
    assert table.separator("a,b;c;d\n1,2,3,4,5") == ";"
    assert table.separator("seule") == ";"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("06 12 34 56 78", "+33612345678"), ("0033 (0)6.12.34.56.78", "+33612345678"), ("01.23.45.67.89", "+33123456789"),
     ("0690 12 34 56", "+590690123456"), ("0692 12 34 56", "+262692123456"), ("0696 20 12 34", "+596696201234"),
     ("0694 20 12 34", "+594694201234"), ("+687 75 12 34", "+687751234")],
)  # fmt: skip
def test_a_telephone_number_is_written_as_in_any_part_of_france(typed, kept):
    assert values.phone(typed) == kept


@pytest.mark.parametrize(("typed", "parses"), [("06 12 34 56 78", 0), ("+33 6 12 34 56 78", 1), ("0690 12 34 56", 2)])
def test_a_telephone_number_is_parsed_for_no_region_after_its_own(monkeypatch, typed, parses):
    regions = []
    parse = phonenumbers.parse
    monkeypatch.setattr(phonenumbers, "parse", lambda text, region: regions.append(region) or parse(text, region))
    assert values.phone(typed).startswith("+")
    assert len(regions) == parses
