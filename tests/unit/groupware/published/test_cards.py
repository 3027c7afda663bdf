"""Cards of address books that others have written: cut by their lines, at a cost that grows with their size alone."""

import pytest
from malleposte.groupware.published import cards

CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{0}\r\nFN:{0}\r\nEND:VCARD\r\n"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (CARD.format("a") + CARD.format("b"), ["a", "b"]),
        (CARD.format("a").replace("\r\n", "\n"), ["a"]),
        (CARD.format("a").replace("BEGIN", "begin").replace("END", "End"), ["a"]),
        ("BEGIN:VCARD\r\nFN:cut off\r\n" + CARD.format("b"), ["b"]),
        ("FN:before\r\n" + CARD.format("a") + "FN:after\r\n", ["a"]),
        ("BEGIN:VCARD\r\nFN:cut off\r\n", []),
        ("", []),
    ],
)
def test_each_card_of_a_text(text: str, names: list[str]) -> None:
    assert [card.split("UID:")[1][0] for card in cards.split(text)] == names


def test_a_letter_that_ends_lines_elsewhere_is_part_of_a_value() -> None:
    card = CARD.format("a\u2028TEL:01")
    assert cards.whole([card]) == card


def test_beginnings_without_an_end_cost_little() -> None:
    """A look for the end of each took hours of processor for such a text."""
    text = "BEGIN:VCARD\r\n" * (cards.MOST_BYTES // 13)
    assert cards.whole([text]) == ""
    assert cards.check(text.encode(), "x") == {}
