"""Agents with the light agenda read copies of the agendas of the functional boxes that they open or read."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from malleposte.accounts.agendas import Kind
from malleposte.accounts.agendas.radicale import TAGS
from malleposte.core.errors import InputError, MallepostError
from malleposte.directory.query import Query, Values
from malleposte.groupware.published import cards, content
from malleposte.groupware.published.model import Shown
from malleposte.groupware.published.places import BOOK_OF, OF_BOX
from malleposte.groupware.published.store import Store
from malleposte.groupware.sogo import copies
from malleposte.groupware.sogo.reading import Reading

from tests.support.sogo_tables import lists
from tests.unit.groupware.files import calendar, event

TEAM = Shown("box.equipe-x", "Équipe X", "#6e445a", "", ("leger1", "leger2"))


class Sogo:
    """The agendas of boxes in SOGo: a text an item, by box and name; `changed` counts writes."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, str]] = {}
        self.changed, self.reads, self.away = 0, 0, False
        self.contacts = False

    def put(self, uid: str, name: str, text: bytes | str) -> None:
        self.changed += 1
        self.items.setdefault(uid, {})[name] = text if isinstance(text, str) else text.decode()

    def sql(self, text: str) -> str:
        """Return what a statement prints."""
        if "AS stamp" in text:
            self.contacts = "c_path3 = 'Contacts'" in text
            owners = [uid for uid in lists(text)[0] if uid in self.items]
            rows: list[Any] = [{"owner": uid, "stamp": str(self.changed)} for uid in owners]
        else:
            self.reads += 1
            if self.away:
                raise MallepostError("no answer")
            (uid,) = [uid for uid in self.items if f"'{uid}'" in text]
            module = "Contacts" if self.contacts else "Calendar"
            rows = [
                {"module": module, "folder": "personal", "title": "", "name": name, "text": one, "changed": number}
                for number, (name, one) in enumerate(self.items[uid].items())
            ]
            rows.append(
                rows[0] | {"module": "Contacts", "name": None, "text": None} if rows else {"module": "Contacts"}
            )
        return "\n".join(map(json.dumps, rows))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path)
    made.entries.mkdir()
    return made


def test_who_has_no_sogo_and_opens_or_reads_a_box_with_an_agenda_has_a_copy() -> None:
    entries: list[Values] = [
        {"uid": ["leger1"], "mpOpens": ["equipe-x", "sans-agenda"]}, {"uid": ["leger2"], "mpReads": ["equipe-x"]},
        {"uid": ["leger3"], "mpOpens": ["autre"]},
    ]  # fmt: skip
    boxes: list[Values] = [{"uid": ["equipe-x"], "cn": ["Équipe X"]}, {"uid": ["seule"], "cn": ["Seule"]}]
    asked: list[str] = []

    def search(condition: Query, _attributes: Sequence[str]) -> list[Values]:
        asked.append(condition.render())
        return boxes if "mpFunctionalBox" in asked[-1] else entries

    reading = Reading("dc=test", search, ("convergence",))
    assert copies.read(reading, ["equipe-x", "seule"]) == [TEAM]
    assert any("(!(mpProfile=convergence))" in one for one in asked)
    assert copies.read(Reading("dc=test", search), ["equipe-x"]) == [], "every class has SOGo"


def test_a_copy_follows_the_agenda_and_its_readers_and_is_read_when_it_changed_alone(store: Store) -> None:
    sogo = Sogo()
    sogo.put("equipe-x", "a.ics", calendar(event("a", "Conseil", "ATTENDEE:mailto:x@ac-exemple.test\n")))
    assert [*copies.place([TEAM], sogo.sql, store)] == [("equipe-x", "")]
    (shown,) = store.shown()
    assert (shown.ident, shown.name, shown.members) == ("box.equipe-x", "Équipe X", ("leger1", "leger2"))
    (text,) = content.check(store.content("box.equipe-x"), "x").items.values()
    assert "SUMMARY:Conseil" in text and "ATTENDEE" not in text

    assert [*copies.place([TEAM], sogo.sql, store)] == [] and sogo.reads == 1
    fewer = Shown(TEAM.ident, TEAM.name, TEAM.colour, "", ("leger2",))
    assert [*copies.place([fewer], sogo.sql, store)] == [("equipe-x", "")] and sogo.reads == 1
    assert store.shown()[0].members == ("leger2",)

    del sogo.items["equipe-x"]["a.ics"]
    sogo.changed += 1
    assert [*copies.place([fewer], sogo.sql, store)] == [("equipe-x", "")]
    assert content.check(store.content("box.equipe-x"), "x", least=0).items == {}, "an agenda may be empty"
    assert [*copies.place([], sogo.sql, store)] == [("equipe-x", "")]
    assert store.shown() == [] and [*store.entries.iterdir()] == []
    assert [*copies.place([], sogo.sql, store)] == []


CARD = "BEGIN:VCARD\nVERSION:3.0\nUID:{0}\nN:{0};;;;\nFN:{0}\nEMAIL:{0}@ac-exemple.test\nEND:VCARD\n"


def test_the_copy_of_an_address_book_has_its_cards_and_nothing_else(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sogo, book = Sogo(), Shown("book.equipe-x", "Équipe X", "", "", ("leger1",))
    sogo.put("equipe-x", "old.vcf", CARD.format("ancien"))
    sogo.put("equipe-x", "list.vlf", "BEGIN:VLIST\nUID:x\nEND:VLIST\n")
    sogo.put("equipe-x", "junk.vcf", "rien")
    sogo.put("equipe-x", "a.vcf", CARD.format("durand"))
    sogo.put("equipe-x", "b.vcf", CARD.format("petit"))
    assert [*copies.place([book], sogo.sql, store)] == [("equipe-x", "")]
    assert [*copies.place([book], sogo.sql, store)] == [] and sogo.reads == 1
    items = cards.check(store.content("book.equipe-x"), "x")
    assert [one for text in items.values() for one in ("ancien", "durand", "petit") if f"FN:{one}" in text] == [
        "ancien", "durand", "petit",
    ]  # fmt: skip
    monkeypatch.setattr(cards, "MOST_CARDS", 2)
    sogo.put("equipe-x", "c.vcf", CARD.format("roux"))
    assert [*copies.place([book], sogo.sql, store)] == [("equipe-x", "")]
    text = store.content("book.equipe-x").decode()
    assert "roux" in text and "petit" in text and "durand" not in text, "the two that changed last"


def test_a_file_that_is_no_address_book_of_ours_gives_no_card() -> None:
    assert cards.check(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "x") == {}
    assert cards.check(b"BEGIN:VCARD\r\nFN:cut off", "x") == {}
    for text, why in ((b"\xff", "not UTF-8"), (b"x" * (cards.MOST_BYTES + 1), "more than 2 MB")):
        with pytest.raises(InputError, match=why):
            cards.check(text, "x")


def test_a_copy_that_fails_is_named_and_shown_to_its_present_readers_alone(store: Store) -> None:
    sogo = Sogo()
    sogo.put("equipe-x", "a.ics", calendar(event("a", "Conseil")))
    [*copies.place([TEAM], sogo.sql, store)]
    sogo.put("equipe-x", "b.ics", calendar(event("b", "Autre")))
    sogo.away = True
    assert [*copies.place([Shown(TEAM.ident, TEAM.name, TEAM.colour, "", ("leger2",))], sogo.sql, store)] == [
        ("equipe-x", "no answer")
    ]
    assert store.shown()[0].members == ("leger2",)
    sogo.away = False
    assert [*copies.place([store.shown()[0]], sogo.sql, store)] == [("equipe-x", "")]
    assert b"Autre" in store.content("box.equipe-x")


@pytest.mark.parametrize("ident", ["box.../../autre", "box./x", "box.", "zone-a", "box..x", "book.../x", "livre.x"])
def test_another_name_in_the_store_reaches_no_engine(tmp_path: Path, ident: str) -> None:
    """SOGo's user writes this store, and Radicale's makes folders of its names."""
    copies_of = Store(tmp_path, OF_BOX, BOOK_OF)
    for name, right in (("box.ce.9990001x", True), (ident, False)):
        copies_of.show([Shown(name, "Nom", "#6e445a", "d", ("leger1",))])
        if right:
            assert [one.ident for one in copies_of.shown()] == [name]
        else:
            with pytest.raises(MallepostError, match="no calendar of this store"):
                copies_of.shown()


def test_one_event_keeps_no_other_from_the_copy(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy leaves out what is no event, has very many parts or is too large; of others it has the last changed."""
    monkeypatch.setattr(copies, "MOST_EVENTS", 4)
    monkeypatch.setattr(copies, "MOST_BYTES", 2000)
    sogo = Sogo()
    sogo.put("equipe-x", "old.ics", calendar(event("old", "Ancien")))
    sogo.put("equipe-x", "junk.ics", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT")
    sogo.put("equipe-x", "many.ics", calendar(*[event("many", "Beaucoup")] * 9))
    sogo.put("equipe-x", "large.ics", calendar(event("large", "x" * 3000)))
    sogo.put("equipe-x", "new.ics", calendar(event("new", "Nouveau")))
    assert [*copies.place([TEAM], sogo.sql, store)] == [("equipe-x", "")]
    text = store.content("box.equipe-x").decode()
    assert "Nouveau" in text and "Beaucoup" not in text and "xxx" not in text
    assert "Ancien" not in text, "of five, the four that changed last are looked at"
    assert TAGS[Kind.AGENDA] in text
