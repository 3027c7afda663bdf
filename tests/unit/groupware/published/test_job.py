"""The job of an engine: its reports and its exit code."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from malleposte.core.errors import MallepostError
from malleposte.groupware.published import content, job
from malleposte.groupware.published.model import Items, Published, Shown
from malleposte.groupware.published.store import Store

from tests.unit.groupware.files import calendar, event


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path)
    for folder in (made.entries, made.gone):
        folder.mkdir()
    with made.locked():
        one = Published("tous", "Tous")
        made.put(one, content.whole(content.check(calendar(event("1")), "tous").items, one.name))
        made.show([Shown("tous", "Tous", one.colour, "d")])
    return made


def test_an_engine_gets_what_is_shown_and_its_items(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    def engine(shown: Sequence[Shown], items: Items) -> int:
        return sum(len(items(one.ident)) for one in shown)

    assert job.run("SOGo", engine, store) == 0
    assert capsys.readouterr().out == "1 published calendars changed\n"
    assert job.run("SOGo", lambda _shown, _items: 0, store) == 0
    assert capsys.readouterr() == ("", "")


def test_an_address_book_gives_its_cards(tmp_path: Path) -> None:
    books = Store(tmp_path, "box.", "book.")
    books.entries.mkdir()
    card = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:d\r\nN:Durand;;;;\r\nFN:Durand\r\nEND:VCARD\r\n"
    (books.entries / "book.equipe-x.ics").write_text(card)
    (books.entries / "box.equipe-x.ics").write_bytes(calendar(event("1")))
    books.show([Shown(f"{one}.equipe-x", "X", "#000091", "d", ()) for one in ("box", "book")])

    def engine(shown: Sequence[Shown], items: Items) -> int:
        assert ["".join(items(one.ident)).rpartition(".")[2] for one in shown] == ["ics", "vcf"]
        return 0

    assert job.bring(engine, books) == 0


@pytest.mark.parametrize("error", [MallepostError("no answer"), OSError("no answer")])
def test_what_hinders_it_is_said(store: Store, capsys: pytest.CaptureFixture[str], error: Exception) -> None:
    def engine(_shown: Sequence[Shown], _items: Items) -> int:
        raise error

    assert job.run("SOGo", engine, store) == 1
    assert capsys.readouterr() == ("", "<3>the calendars of SOGo are as they were: no answer\n")
