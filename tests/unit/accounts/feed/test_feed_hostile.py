"""Hostile feeds and plans: a clear refusal or a rejected row each; no crash, nothing lost, nothing injected."""

import contextlib
import csv
import datetime
import io
import json
import random
import re
import struct
import time
import zipfile
from collections.abc import Iterator

import pytest
from malleposte.accounts import feed
from malleposte.accounts.credentials.digests import Keyring
from malleposte.accounts.feed import records, rejects, table, workbook
from malleposte.accounts.names import log_in_name
from malleposte.accounts.plan import changes, lines
from malleposte.accounts.plan.admit import admit
from malleposte.accounts.plan.build import Rules, plan
from malleposte.accounts.plan.current import Current
from malleposte.core.errors import InputError

from tests.support import academy, naughty
from tests.support.classes import read_feed
from tests.support.directory import MemoryDirectory

DOMAIN = "ac-exemple.test"
SUFFIX = "dc=ac-exemple,dc=test"
NOW = datetime.datetime(2026, 9, 1, tzinfo=datetime.UTC)
HEADER = ("NUMEN", "Nom", "Prénom", "UAI", "Corps", "Fonction", "Profil", "Mél de secours", "Portable", "Date de fin")
GOOD = ("01E9500001ABC", "Martin", "Zoé", "9990001X", "Attaché", "Secrétaire", "roundcube", "", "", "")
CELLS = range(1, len(HEADER))


def file(*rows: tuple[str, ...], header=HEADER, newline="\r\n") -> bytes:
    target = io.StringIO(newline="")
    writer = csv.writer(target, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator=newline)
    writer.writerows((header, *rows))
    return target.getvalue().encode("utf-8", "surrogatepass")


def numbered(number: int) -> str:
    return f"01E95{number:05d}ABC"


def planned(source: feed.Feed) -> changes.Plan:
    keys = Keyring("k1", {"k1": b"1" * 32})
    made = plan(source, Current(MemoryDirectory(SUFFIX)), keys, Rules(DOMAIN, "roundcube"), NOW)
    admit(made, SUFFIX, DOMAIN, "plan.json")
    return lines.parse(made.render().encode(), "plan.json")


@pytest.fixture(scope="module")
def tortured() -> tuple[list[tuple[str, ...]], feed.Feed]:
    """Every text in every column, a good row after each."""
    rows = []
    for text in naughty.every():
        for place in CELLS:
            row = [numbered(len(rows)), *GOOD[1:]]
            row[place] = text
            rows += [tuple(row), (numbered(len(rows) + 1), *GOOD[1:])]
        rows += [(text, *GOOD[1:]), (numbered(len(rows) + 1), *GOOD[1:])]
    return rows, read_feed(file(*rows), "pire.csv")


def test_every_text_in_every_column_loses_no_good_row(tortured):
    rows, found = tortured
    assert len(found.people) + len(found.rejects) == len(rows)
    taken = {person.numen for person in found.people}
    assert {row[0] for row in rows[1::2]} <= taken
    assert all(reject.reason for reject in found.rejects)


def test_what_is_taken_makes_log_ins_and_names_that_are_only_that(tortured):
    made = planned(tortured[1])
    for change in made.changes:
        assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", change.uid), change
        assert change.dn == f"uid={change.uid},ou=people,{SUFFIX}"
        for values in change.after.values():
            assert all("\0" not in value and "\n" not in value and value.strip() for value in values), change
        for name in ("sn", "givenName", "cn"):
            assert not re.search(r"[*()<>={}$;|\\\"]", change.after[name][0].replace("(", "").replace(")", "")), change
    assert len({change.uid for change in made.changes}) == len(made.changes)


def test_words_are_kept_exactly_or_refused():
    texts = (*naughty.SQL, *naughty.MARKUP, *naughty.TEMPLATES, *naughty.LDAP)
    rows = [(numbered(number), "Martin", "Zoé", "", "", text, "", "", "", "") for number, text in enumerate(texts)]
    source = read_feed(file(*rows), "a.csv")
    for person in source.people:
        (row,) = [change for change in planned(source).changes if change.line == person.line]
        assert row.after.get("mpFunction", []) == ([person.function] if person.function else [])
    assert sum(bool(person.function) for person in source.people) > 20


def test_refusals_and_reasons_hold_nothing_that_a_terminal_or_a_spreadsheet_obeys(tortured):
    text = rejects.render(tortured[1])
    text.encode("utf-8")
    for row in csv.reader(io.StringIO(text[1:], newline=""), delimiter=";"):
        assert row[1].isprintable() or row[0] == "ligne", row[1]
        for cell in row:
            assert "\0" not in cell
            assert not cell.lstrip().startswith(("=", "+", "@", "|", "%", "＝")), cell[:30]
            assert not cell.startswith(("\t", "\r", "\n")), cell[:30]
            assert not cell.lstrip().startswith("-") or not cell, cell[:30]


def test_a_title_cannot_write_to_the_terminal_nor_begin_a_formula():
    bad = "\x1b]0;x\x07=cmd"
    with pytest.raises(InputError) as error:
        read_feed(file(header=(bad, "b")), "a.csv")
    assert str(error.value).isprintable()
    found = read_feed(file(("x", *GOOD[1:]), header=("NUMEN", "Nom", "=cmd|'x'!A1", "Prénom")), "a.csv")
    assert "\"'=cmd" in rejects.render(found)


def test_a_refused_row_that_was_mended_can_be_read_again():
    found = read_feed(
        file((numbered(1), "M@rtin", "Zoé", "9990001X", "", "", "", "", "+33 6 12 34 56 78", "")), "a.csv"
    )
    text = rejects.render(found).replace("M@rtin", "Martin")
    (person,) = read_feed(text.encode(), "a.rejects.csv").people
    assert (person.recovery_phone, person.surname) == ("+33612345678", "Martin")


# --- files ---


def parts(**content: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return target.getvalue()


def altered(content: bytes, name: str, change) -> bytes:
    """A workbook with one part changed."""
    source, target = zipfile.ZipFile(io.BytesIO(content)), io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in source.infolist():
            data = source.read(part)
            archive.writestr(part.filename, change(data) if part.filename == name else data)
    return target.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
BOOK = academy.workbook(HEADER, GOOD)
LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'


def doctype(data: bytes) -> bytes:
    return data.replace(b"<worksheet", LAUGHS + b"<worksheet", 1)


def encrypted(content: bytes) -> bytes:
    """The flag of encryption set on every part."""
    damaged = bytearray(content)
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = 0
        while (start := damaged.find(mark, start)) >= 0:
            damaged[start + place] |= 1
            start += 4
    return bytes(damaged)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no row"),
        (b" \r\n;;;\r\n\t", "no row"),
        (b"\xef\xbb\xbf", "no row"),
        (b"\xff\xfe", "no row"),
        (b"\xff\xfeN", "neither UTF-8"),
        (b"\x81\x8d\x8f", "neither UTF-8"),
        (bytes(range(256)) * 40, "neither UTF-8"),
        (random.Random(1).randbytes(5000), "a.csv"),
        ("NUMEN;Nom;Prénom".encode("utf-32")[:-2], "neither UTF-8"),
        (b"NUMEN;Nom;NOM;Pr\xc3\xa9nom\n", "are both nom"),
        (b";".join(b"c%d" % number for number in range(10_000)), "10000 columns"),
        (b'NUMEN;Nom;Prenom\n01E9500001ABC;"Mar"tin;Zoe\n', "a.csv:2: "),
        (b'NUMEN;Nom;Prenom\n01E9500001ABC;"Martin;Zoe\n', "a.csv:2: "),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old or encrypted workbook"),
        (b"%PDF-1.7\n", "a PDF file"),
        (b"\x1f\x8b\x08\x00", "a compressed file"),
        (b"<html><table><tr><td>NUMEN</td></tr></table></html>", "no column for numen"),
        (b'{"NUMEN": "x"}', "no column for numen"),
        (parts(**{"content.xml": b"<x/>"}), "not a workbook"),
        (parts(**{"content.xml": LAUGHS + b"<x/>"}), "defines entities"),
        (parts(**{"content.xml": (LAUGHS + b"<x>\xc3\xa9</x>").decode().encode("utf-16")}), "defines entities"),
        (altered(BOOK, SHEET, doctype), "defines entities"),
        (altered(BOOK, "xl/workbook.xml", lambda _data: b"<workbook"), "not a workbook"),
        (altered(BOOK, SHEET, lambda data: data[: len(data) // 2]), "not a workbook"),
        (altered(BOOK, SHEET, lambda data: data.replace(b'r="2"', b'r="99999999999"')), "more than 1048576 rows"),
        (encrypted(BOOK), "damaged"),
        (BOOK[:-30], "damaged"),
        (BOOK[:400], "damaged"),
        (BOOK[:10], "damaged"),
        (b"PK\x03\x04 not a workbook", "damaged"),
        (parts(**{f"p{number}.xml": b"" for number in range(2500)}), "2500 parts"),
        (parts(**{"xl/a.xml": bytes(150 << 20)}), "would unpack to 150 MB"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_feed_is_refused_in_one_line(content, said):
    begun = time.process_time()
    with pytest.raises(InputError) as error:
        read_feed(content, "a.csv")
    assert str(error.value).startswith("a.csv")
    assert said in str(error.value)
    assert str(error.value).isprintable()
    assert time.process_time() - begun < 60


def test_parts_that_overlap_are_refused():
    """The kind of bomb whose parts share their bytes: many names in the directory for one part."""
    one = parts(**{"a.xml": bytes(1 << 20)})
    end = one.index(b"PK\x05\x06")
    start = struct.unpack("<I", one[end + 16 : end + 20])[0]
    entry = one[start:end]
    many = b"".join(entry.replace(b"a.xml", b"%c.xml" % sign) for sign in b"abcdefghij")
    tail = one[end : end + 8] + struct.pack("<HHII", 10, 10, len(many), start) + b"\0\0"
    with pytest.raises(InputError, match=r"damaged|not a workbook"):
        read_feed(one[:start] + many + tail, "a.xlsx")


@pytest.mark.parametrize("wrong", ["A1", "A1:B1", "A1:XFD1048576"])
def test_a_workbook_that_lies_about_its_size_loses_no_row(wrong):
    rows = [(numbered(number), *GOOD[1:]) for number in range(5)]
    claim = b'<dimension ref="%s"' % wrong.encode()
    content = altered(
        academy.workbook(HEADER, *rows), SHEET, lambda data: re.sub(rb'<dimension ref="[^"]*"', claim, data)
    )
    assert len(read_feed(content, "a.xlsx").people) == 5


def test_a_workbook_named_csv_and_a_csv_named_xlsx_are_known_by_their_content():
    assert len(read_feed(BOOK, "a.csv").people) == len(read_feed(file(GOOD), "a.xlsx").people) == 1


def test_every_cell_of_a_workbook_may_be_of_any_type():
    odd = (1.5, True, NOW.replace(tzinfo=None), NOW.date(), NOW.time(), 10**30, "=1+1", "#REF!", None, -0.0)
    rows = [(numbered(number), *GOOD[1:3], *(value,) * 7) for number, value in enumerate(odd)]
    found = read_feed(academy.workbook(HEADER, *rows, (numbered(99), *GOOD[1:])), "a.xlsx")
    assert len(found.people) + len(found.rejects) == len(odd) + 1
    assert found.people[-1].numen == numbered(99)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_end_of_line(newline):
    assert len(read_feed(file(GOOD, (numbered(2), *GOOD[1:]), newline=newline), "a.csv").people) == 2


def test_mixed_ends_of_line_and_a_file_without_the_last_one():
    lines = (b"NUMEN;Nom;Prenom", b"01E9500001ABC;Martin;Zoe", b"01E9500002ABC;Durand;Lea", b"01E9500003ABC;Petit;Ana")
    found = read_feed(lines[0] + b"\r\n" + lines[1] + b"\n" + lines[2] + b"\r" + lines[3], "a.csv")
    assert [person.surname for person in found.people] == ["Martin", "Durand", "Petit"]


def test_a_header_alone_is_a_feed_of_nobody():
    assert read_feed(file(), "a.csv").people == ()


def test_empty_cells_beyond_the_columns_are_nothing_and_full_ones_a_fault():
    found = read_feed(file((*GOOD, "", ""), (numbered(2), *GOOD[1:], "", "x")), "a.csv")
    assert (len(found.people), found.rejects[0].line) == (1, 3)


def test_a_row_of_ten_thousand_cells_stops_no_other():
    found = read_feed(file((numbered(2), *(["x"] * 10_000)), GOOD), "a.csv")
    assert (len(found.people), len(found.rejects)) == (1, 1)


def test_a_file_beyond_any_feed_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(table, "MOST_BYTES", 1 << 20)
    with pytest.raises(InputError, match=r"a\.csv: 1 MB, more than the 1 MB"):
        read_feed(b"x" * ((1 << 20) + 1), "a.csv")


def test_a_workbook_that_declares_too_much_is_refused_before_it_is_unpacked(monkeypatch):
    monkeypatch.setattr(workbook, "MOST_UNPACKED", 1000)
    with pytest.raises(InputError, match="would unpack"):
        read_feed(BOOK, "a.xlsx")


@pytest.mark.parametrize("seed", range(4))
def test_damage_at_random_is_a_refusal_or_a_feed(seed):
    """Bytes of a good CSV and of a good workbook changed at random: nothing but InputError comes up."""
    dice = random.Random(seed)
    for whole in (academy.agents_file(academy.academy(8, 2)), BOOK):
        for _ in range(60):
            damaged = bytearray(whole)
            for _ in range(dice.choice((1, 3, 30))):
                damaged[dice.randrange(len(damaged))] = dice.randrange(256)
            with contextlib.suppress(InputError):
                found = read_feed(bytes(damaged), "a.csv")
                rejects.render(found).encode()
                planned(found)


# --- names ---


@pytest.mark.parametrize(
    ("given", "surname"), [("Rémi", "Oot"), ("Gil", "Ames"), ("Paul", "Ostmaster"), ("Ada", "Dmin")]
)
def test_nobody_gets_the_log_in_of_a_machine(given, surname):
    assert log_in_name(given, surname, set()).endswith("2")


def test_words_that_mean_something_to_programs_are_names_like_others():
    rows = [(numbered(number), word, "Zoé", *GOOD[3:]) for number, word in enumerate(("Null", "True", "None", "NaN"))]
    assert [change.after["sn"] for change in planned(read_feed(file(*rows), "a.csv")).changes] == [
        ["Null"], ["True"], ["None"], ["NaN"],
    ]  # fmt: skip


# --- plans ---


def plan_file(**of_the_change: object) -> str:
    """A plan of one move, its change altered."""
    whole = json.loads(planned(read_feed(file(GOOD), "a.csv")).render())
    whole["departures"] = {"leaving": 1, "known": 10, "most_percent": 5}
    change = {
        "kind": "modify", "uid": "zmartin", "dn": f"uid=zmartin,ou=people,{SUFFIX}",
        "before": {"sn": ["Martin"]}, "after": {"sn": ["Durand"]},
    }  # fmt: skip
    whole["changes"] = [change | of_the_change]
    return json.dumps(whole)


def layouts(text: str) -> Iterator[str]:
    """The text, and if it is a plan at all, the same as the program writes it: a change a line."""
    yield text
    with contextlib.suppress(ValueError, RecursionError, TypeError, KeyError):
        whole = json.loads(text)
        rows = ",\n".join(json.dumps(change) for change in whole["changes"])
        yield json.dumps(whole | {"changes": []}).replace('"changes": []', f'"changes": [\n{rows}\n]\n')


def judged(text: str) -> None:
    """Raises what is wrong with a plan, which is the same however its file is laid out."""
    said, given = [], list(layouts(text))
    for layout in given:
        try:
            admit(lines.parse(layout.encode(), "plan.json"), SUFFIX, DOMAIN, "plan.json")
        except InputError as error:
            said.append(error)
    assert len({str(error) for error in said}) <= 1 and len(said) in (0, len(given)), said
    if said:
        raise said[0]


def test_an_honest_plan_is_let_in():
    judged(plan_file())


def state(value: str) -> dict[str, object]:
    return {"before": {}, "after": {"mpState": [value]}}


@pytest.mark.parametrize(
    ("altered", "said"),
    [
        ({"dn": f"cn=provision,ou=services,{SUFFIX}"}, "is not where"),
        ({"dn": f"uid=zmartin,ou=people,ou=people,{SUFFIX}"}, "is not where"),
        ({"dn": "uid=zmartin,ou=people,cn=config"}, "is not where"),
        ({"dn": f"uid=autre,ou=people,{SUFFIX}"}, "is not where"),
        ({"uid": "x,ou=services", "dn": f"uid=x,ou=services,ou=people,{SUFFIX}"}, "is not where"),
        ({"after": {"userPassword": ["x"]}}, "never part of a plan"),
        ({"after": {"USERPASSWORD": ["x"]}}, "never part of a plan"),
        ({"after": {"userPassword;x": ["x"]}}, "is not for modify"),
        ({"after": {"pwdReset": ["TRUE"]}}, "is not for modify"),
        ({"after": {"mpDelegate": ["x"]}}, "is not for modify"),
        ({"after": {"objectClass": ["simpleSecurityObject"]}}, "where its kind does the other"),
        ({"after": {"mpState": ["active"]}}, "is not for modify"),
        ({"before": {}, "after": {"mail": ["x@ailleurs.test"]}}, "of another domain"),
        ({"before": {}, "after": {"mailLocalAddress": ["x@ailleurs.test"]}}, "of another domain"),
        ({"kind": "suspend", **state("active")}, "sets the state"),
        ({"kind": "resume", **state("blocked")}, "sets the state"),
        ({"kind": "create"}, "where its kind does the other"),
        ({"kind": "create", "before": {}, "after": {"objectClass": ["person"]}}, "of other classes"),
        ({"before": {"sn": ["a"], "mail": ["b"]}}, "takes away"),
        ({"kind": "archive"}, "not asked by a file"),
        ({"kind": "purge"}, "changes facts of 'zmartin', who is to be removed"),
        ({"after": {"sn": ["\ud800"]}}, "damaged"),
        ({"after": {"sn": "x"}}, "damaged"),
        ({"after": [1]}, "damaged"),
    ],
)  # fmt: skip
def test_an_edited_plan_is_refused_whole(altered, said):
    with pytest.raises(InputError, match=r"^plan\.json: change 1") as error:
        judged(plan_file(**altered))
    assert said in str(error.value)
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000, '{"version": ' * 50_000, '{"version": 1e999}', "\0", "null", '"x"',
        plan_file().replace('"leaving": 1', '"leaving": "nan"'),
        plan_file().replace('"leaving": 1', '"leaving": 11'),
        plan_file().replace('"known": 10', '"known": -1'),
        plan_file().replace(f'"{DOMAIN}"', '"ac-autre.test"'),
        plan_file(kind="suspend", **state("suspended")).replace('"leaving": 1', '"leaving": 0'),
    ],
)  # fmt: skip
def test_a_damaged_plan_is_refused_whole(text):
    with pytest.raises(InputError, match=r"^plan\.json: "):
        judged(text)


def test_the_names_of_a_feed_show_no_numen():
    source = read_feed(file(GOOD), "a.csv")
    assert isinstance(source.people[0], records.Person)
    assert GOOD[0] not in planned(source).render()


@pytest.mark.parametrize(
    ("given", "surname", "log_in"),
    [
        ("Władysław", "Łoś", "wlos"),
        ("Søren", "Ørsted", "sorsted"),
        ("Đorđe", "Straße", "dstrasse"),
        ("İlker", "Işık", "iisik"),
    ],
)
def test_letters_with_strokes_become_plain_ones(given, surname, log_in):
    assert log_in_name(given, surname, set()) == log_in
