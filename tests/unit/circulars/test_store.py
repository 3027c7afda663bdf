"""The archives on disk: each message once, found by its words, bounded, taken back, erased."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from malleposte.circulars import readers, reading
from malleposte.circulars.model import Filing, Query
from malleposte.circulars.store import DAY, MOST_LETTERS, FullError, Limits, Store
from malleposte.deliveries.retracted import Box, Sign

from .test_reading import letter

NOW = 1_790_000_000
IDENT, OTHER = "20260914081500-5f2a90c1", "20260915081500-5f2a90c2"
PDF_FILE = ("Note.pdf", b"%PDF-1.4 x")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    made = Store(folder)
    yield made
    made.close()


def filing(ident: str = IDENT, name: str = "chefs", arrived: int = NOW, size: int = 1) -> Filing:
    return Filing(ident, name, "recteur", arrived, size)


def idents(store: Store, words: str = "", *lists: str, since: int = 0, until: int = 0) -> list[str]:
    return [one.ident for one in store.find(Query(lists or ("chefs",), words, since, until))[0]]


def test_a_message_is_found_by_beginnings_of_words_without_accents_and_by_names_of_files(
    store: Store,
) -> None:
    store.file(filing(), letter(("Hébergement.pdf", b"%PDF-1"), text="Épreuves du baccalauréat, cœur de métier"))
    store.file(filing(OTHER, arrived=NOW + DAY), letter(text="Autre chose"))
    for words in ("epreuves", "ÉPREUVES", "bac", "coeur metier", "cœur", "hebergement", "rentree recteur"):
        assert IDENT in idents(store, words), words
    assert idents(store, "bac") == [IDENT] and idents(store, "preuves") == []
    assert idents(store) == [OTHER, IDENT], "the newest first"
    assert idents(store, since=NOW + 1) == [OTHER] and idents(store, until=NOW + 1) == [IDENT]
    assert idents(store, "", "autres") == [] and idents(store, "", "autres", "chefs") == [OTHER, IDENT]
    assert store.find(Query(("chefs",)))[1] == NOW


def test_a_message_is_read_once_however_many_open_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(MOST_LETTERS + 1):
        store.file(filing(f"202609140815{number:02}-5f2a90c1"), letter(text=f"Bonjour {number}"))
    read = list[int]()
    plain = reading.read

    def counted(raw: bytes) -> reading.Letter:
        read.append(len(raw))
        return plain(raw)

    monkeypatch.setattr(reading, "read", counted)
    for _agent in range(3):
        shown = store.show("chefs", "20260914081500-5f2a90c1")
        assert shown is not None and shown.text == "Bonjour 0"
    assert len(read) == 1
    for number in range(1, MOST_LETTERS + 1):
        store.show("chefs", f"202609140815{number:02}-5f2a90c1")
    store.show("chefs", "20260914081500-5f2a90c1")
    assert len(read) == MOST_LETTERS + 2, "those that were opened last are kept"
    assert store.head("chefs", OTHER) is None
    head = store.head("chefs", "20260914081502-5f2a90c1")
    assert head is not None and head.subject and len(read) == MOST_LETTERS + 2


def test_a_disk_that_was_full_once_stops_no_message_for_good(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("malleposte.runtime.durable.sync_folder", fails := _Full())
        with pytest.raises(OSError, match="disk"):
            store.file(filing(), letter(text="Bonjour"))
    assert fails.asked
    store.file(filing(), letter(text="Bonjour"))
    assert idents(store, "bonjour") == [IDENT]


class _Full:
    """A disk that has no room at one moment."""

    asked = False

    def __call__(self, _folder: Path) -> None:
        self.asked = True
        raise OSError(28, "no room on the disk")


@pytest.mark.parametrize(
    "words",
    ['"', "'", "OR", "AND NOT", "NEAR(", "chose*)", "subject:chose", "chose^2", "-chose", "{a b}:", "\x00", "%_"],
)
def test_the_syntax_of_the_index_is_no_syntax_here(store: Store, words: str) -> None:
    store.file(filing(), letter(text="Autre chose"))
    assert idents(store, words) in ([], [IDENT])
    assert idents(store, "chose") == [IDENT]


def test_a_message_is_archived_once_however_often_and_whenever_it_was_killed(store: Store, folder: Path) -> None:
    for _time in range(3):
        store.file(filing(), letter())
    assert idents(store) == [IDENT]
    # Killed before its folder was whole, and after that but before the index knew it.
    (folder / "new" / OTHER).mkdir()
    store.link.execute("DELETE FROM circular")
    store.link.commit()
    store.close()
    again = Store(folder)
    assert idents(again) == [IDENT] and not list((folder / "new").iterdir())
    again.file(filing(), letter())
    assert idents(again) == [IDENT]
    again.close()


def test_the_index_is_made_again_from_the_messages(store: Store, folder: Path) -> None:
    store.file(filing(), letter(PDF_FILE))
    store.keep_words("chefs", IDENT, "mutations")
    store.file(filing(OTHER), letter())
    store.close()
    (folder / "index.sqlite").write_bytes(b"broken" * 1000)
    again = Store(folder)
    assert idents(again, "mutations") == [IDENT] and not again.waiting() and len(idents(again)) == 2
    again.close()


def test_words_of_pdfs_come_later_and_only_once(store: Store) -> None:
    store.file(filing(), letter(PDF_FILE))
    store.file(filing(OTHER), letter(("a.txt", b"x")))
    assert store.waiting() == [("chefs", IDENT)]
    assert store.pdfs("chefs", IDENT) == [b"%PDF-1.4 x"] and idents(store, "mutations") == []
    store.keep_words("chefs", IDENT, "Les mutations")
    assert idents(store, "mutations") == [IDENT] and store.waiting() == []
    assert idents(store, "note service") == [] and IDENT in idents(store, "note")


def test_an_archive_that_is_full_takes_no_more_and_says_so_once(folder: Path) -> None:
    store = Store(folder, Limits(list_mb=1, mb=3))
    big = letter(("x.bin", b"x" * 400_000))
    store.file(filing(), big)
    for first in (True, False):
        with pytest.raises(FullError) as error:
            store.file(filing(OTHER), letter(("x.bin", b"x" * 800_000)))
        assert error.value.first is first
    assert store.full() == {"chefs"} and idents(store) == [IDENT]
    store.file(filing(OTHER, "autres"), big)
    assert store.full() == {"chefs"}, "another list has its own room"
    store.file(filing("20260916081500-5f2a90c3"), letter())
    assert store.full() == frozenset(), "what has room is taken again"
    store.close()


def test_no_list_takes_all_the_room(folder: Path) -> None:
    store = Store(folder, Limits(list_mb=100, mb=2))
    with pytest.raises(FullError):
        store.file(filing(), letter(("x.bin", b"x" * 900_000)))
    store.file(filing(), letter(("x.bin", b"x" * 500_000)))
    store.close()


def test_what_was_taken_back_leaves_the_archive_and_comes_back(store: Store, folder: Path) -> None:
    store.file(filing(), letter())
    box = Box("mdupond", (Sign("Q", "<a@b>"),), "2026-09-21", ("a@b",))
    assert store.withdraw([Box("mdupond", (Sign("Q", "<c@d>"), Sign("Q", "")), listed=("c@d",))], back=False) == 0
    old = Box("mdupond", (Sign("Q", "<a@b>"),), "2027-01-01", ("a@b",))
    assert store.withdraw([old], back=False) == 0, "sent long before"
    forged = Box("mdupond", (Sign("Q", "<a@b>"),), "2026-09-21", ("c@d",))
    assert store.withdraw([forged], back=False) == 0, "no list brought that: a stranger took the Message-ID of one"
    assert store.withdraw([box, box], back=False) == 1
    assert idents(store) == [] and store.show("chefs", IDENT) is None
    store.close()
    again = Store(folder)
    assert idents(again) == []
    assert again.withdraw([box], back=True) == 1 and idents(again) == [IDENT]
    assert again.show("chefs", IDENT) is not None
    again.close()


def test_a_restore_of_older_messages_brings_nothing_back_that_was_taken(store: Store, folder: Path) -> None:
    for ident, message_id in ((IDENT, "<a@b>"), (OTHER, "<c@d>")):
        store.file(filing(ident), letter(message_id=message_id))
    shutil.copytree(folder / "messages", folder / "archived")
    box = Box("mdupond", (Sign("Q", "<a@b>"),), "2026-09-21", ("a@b",))
    assert store.withdraw([box], back=False) == 1 and idents(store) == [OTHER]
    store.close()
    shutil.rmtree(folder / "messages")
    (folder / "archived").rename(folder / "messages")
    again = Store(folder)
    assert idents(again) == [OTHER] and again.show("chefs", IDENT) is None
    assert again.withdraw([box], back=True) == 1 and sorted(idents(again)) == sorted([IDENT, OTHER])
    again.close()


def test_a_mark_of_an_earlier_release_still_hides(store: Store, folder: Path) -> None:
    store.file(filing(), letter())
    store.close()
    (folder / "messages/chefs" / IDENT / "withdrawn").write_text("")
    again = Store(folder)
    assert idents(again) == [] and not (folder / "messages/chefs" / IDENT / "withdrawn").exists()
    again.close()


def test_old_circulars_are_erased_with_their_readers(store: Store, folder: Path) -> None:
    store.file(filing(arrived=NOW - 1826 * DAY), letter(text="ancienne"))
    store.file(filing(OTHER), letter(text="nouvelle"))
    readers.note(store.place("chefs", IDENT), "mdupond", NOW)
    assert store.prune(NOW) == 1 and idents(store) == [OTHER] and idents(store, "ancienne") == []
    assert not store.place("chefs", IDENT).exists() and not list((folder / "new").iterdir())
    assert store.prune(NOW) == 0


def test_one_that_could_not_be_erased_is_erased_by_the_next_run(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.file(filing(arrived=NOW - 1826 * DAY), letter(text="ancienne"))

    def refuse(_place: Path) -> None:
        raise OSError("no room")

    with monkeypatch.context() as broken:
        broken.setattr("malleposte.circulars.store.shutil.rmtree", refuse)
        assert store.prune(NOW) == 0
    assert store.prune(NOW) == 1 and idents(store, "ancienne") == []


def test_readers_are_noted_once_and_erased(store: Store) -> None:
    store.file(filing(), letter())
    place = store.place("chefs", IDENT)
    assert readers.note(place, "mdupond", NOW) and not readers.note(place, "mdupond", NOW + 5)
    with (place / readers.FILE).open("a") as file:
        file.write("pmar")  # the power went
    assert readers.note(place, "pmartin", NOW)
    assert [(one.uid, one.time) for one in readers.every(place)] == [("mdupond", NOW), ("pmartin", NOW)]
    assert readers.find(place, "pmartin") == readers.every(place)[1] and readers.find(place, "martin") is None
    assert readers.erase(place, frozenset(("martin", "autre"))) == 0
    assert readers.erase(place, frozenset(("mdupond", "autre"))) == 1
    assert [one.uid for one in readers.every(place)] == ["pmartin"]


def test_forms_refuse_names_that_lead_elsewhere() -> None:
    for ident, name in (("../../etc", "chefs"), (IDENT, "../x"), (IDENT, "Chefs"), (IDENT + "\n", "chefs")):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({"ident": ident, "list": name, "sender": "x", "arrived": 1, "size": 1}, Filing)
    assert msgspec.convert({"ident": IDENT, "list": "chefs", "sender": "x", "arrived": 1, "size": 1}, Filing)
