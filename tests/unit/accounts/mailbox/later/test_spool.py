"""The spool of orders: taken in their order, within a bound; what is none, or another account's, just goes."""

from pathlib import Path

import msgspec
from malleposte.accounts.mailbox.later import spool


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    uid: str
    word: str


def taken(folder: Path, most: int | None = None) -> tuple[list[str], list[str]]:
    """The words of the orders that were taken, and what was said."""
    words: list[str] = []
    lines: list[str] = []
    spool.empty(folder, Order, lambda one: words.append(one.word), lines.append, largest=200, most=most)
    return words, lines


def test_orders_are_taken_once_in_their_order_some_at_a_time(tmp_path: Path) -> None:
    for uid, word in (("marie.dupond", "un"), ("mdupond", "deux"), ("marie.dupond", "trois")):
        assert spool.write(tmp_path, Order(uid, word), 5)
    assert taken(tmp_path, 2)[0] == ["un", "deux"] and taken(tmp_path)[0] == ["trois"] and taken(tmp_path)[0] == []


def test_orders_that_cannot_be_taken_stop_those_of_their_account_alone(tmp_path: Path) -> None:
    for number in range(6):
        assert spool.write(tmp_path, Order("mdupond", f"{number}"), 9)
    assert spool.write(tmp_path, Order("autre", "y"), 9)
    words, lines, tried = list[str](), list[str](), list[str]()

    def take(one: Order) -> None:
        tried.append(one.word)
        if one.uid == "mdupond" and not words:
            raise OSError("no room")
        words.append(one.word)

    spool.empty(tmp_path, Order, take, lines.append, largest=200, most=3)
    assert (words, tried, len(lines)) == (["y"], ["0", "y"], 1) and "no room" in lines[0]
    assert taken(tmp_path)[0] == [*"012345"], "in their order, once they can be"


def test_an_account_fills_its_own_part_alone(tmp_path: Path) -> None:
    assert [spool.write(tmp_path, Order("mdupond", "x"), 2) for _ in range(4)] == [True, True, True, False]
    assert spool.write(tmp_path, Order("autre", "y"), 2)
    assert spool.write(tmp_path, Order("mdupond.autre", "y"), 2)


def test_an_order_under_another_account_s_name_is_not_taken(tmp_path: Path) -> None:
    for name, uid in (("autre.1", "mdupond"), ("mdupond.2", "mdupond"), ("x.3", "../x")):
        (tmp_path / f"{name}{spool.SUFFIX}").write_bytes(msgspec.json.encode(Order(uid, name)))
    assert taken(tmp_path) == (["mdupond.2"], []) and not list(tmp_path.iterdir())


def test_what_is_no_order_is_named_and_goes(tmp_path: Path) -> None:
    for number, text in enumerate(("{", '{"uid": "mdupond"}', '{"uid": "mdupond", "word": "' + "x" * 300 + '"}')):
        (tmp_path / f"mdupond.{number}{spool.SUFFIX}").write_text(text, "utf-8")
    words, lines = taken(tmp_path)
    assert (
        words == [] and len(lines) == 3 and all("no order" in line for line in lines) and not list(tmp_path.iterdir())
    )
