"""A journal read from where it was, through its rotations."""

import pytest
from malleposte.siem import follow
from malleposte.siem.follow import Place


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "accounts.jsonl"


def append(path, text):
    with path.open("a") as file:
        file.write(text)


def drained(path, place, **more):
    lines, left_out = [], 0
    while found := follow.batch(path, place, **more):
        lines += [line.decode() for _ident, line in found.lines]
        place, left_out = found.place, left_out + found.left_out
    return lines, place, left_out


def test_what_was_before_is_not_read_and_what_comes_is_once(journal):
    append(journal, "old\n")
    place = follow.end(journal)
    assert drained(journal, place)[0] == []
    append(journal, "a\nb\n")
    lines, place, _left = drained(journal, place)
    assert lines == ["a\n", "b\n"]
    append(journal, "c\n")
    assert drained(journal, place)[0] == ["c\n"]


def test_a_line_that_is_being_written_waits_for_its_end(journal):
    append(journal, "a\nhal")
    lines, place, _left = drained(journal, Place())
    assert lines == ["a\n"]
    append(journal, "f\n")
    assert drained(journal, place)[0] == ["half\n"]


def test_the_rest_of_a_rotated_journal_comes_before_the_new_one(journal):
    append(journal, "a\n")
    _lines, place, _left = drained(journal, Place())
    append(journal, "b\n")
    journal.rename(journal.with_name("accounts.jsonl.1"))
    append(journal, "c\n")
    lines, place, _left = drained(journal, place)
    assert lines == ["b\n", "c\n"]
    append(journal, "d\n")
    assert drained(journal, place)[0] == ["d\n"]


def test_a_journal_that_was_removed_or_emptied_is_read_from_its_beginning(journal):
    append(journal, "a\nb\nc\n")
    _lines, place, _left = drained(journal, Place())
    journal.write_text("d\n")
    assert drained(journal, place)[0] == ["d\n"]
    aside = journal.with_name("aside")
    journal.rename(aside)
    append(journal, "e\n")
    found = follow.batch(journal, place)
    assert found.gone and [line for _ident, line in found.lines] == [b"e\n"]
    aside.rename(journal.with_name("accounts.jsonl.1"))
    assert not follow.batch(journal, place).gone
    journal.unlink()
    journal.with_name("accounts.jsonl.1").unlink()
    assert follow.batch(journal, place) is None and follow.end(journal) == Place()


def test_of_too_much_the_oldest_is_left_out_at_the_end_of_a_line(journal):
    append(journal, "".join(f"line {number:06}\n" for number in range(10_000)))
    lines, place, left_out = drained(journal, Place(), behind=12_000)
    assert lines[-1] == "line 009999\n" and 990 <= len(lines) <= 1_000
    assert left_out == 12 * (10_000 - len(lines)) and place.offset == 120_000


def test_a_line_without_end_is_passed_over(journal):
    append(journal, "a\n" + "x" * (2 * follow.LONGEST))
    lines, place, _left = drained(journal, Place())
    append(journal, "y\nb\n")
    assert lines == ["a\n"] and drained(journal, place)[0][-1] == "b\n"


def test_each_line_has_an_identifier_of_its_own(journal):
    append(journal, "a\na\n")
    found = follow.batch(journal, Place())
    assert len({ident for ident, _line in found.lines}) == 2
