"""Address books of schools in SOGo: the people of a school, and its mailboxes, for those of its agents who have SOGo.

All belong to a technical user. A card's name holds a digest of its text, so that names alone say what changed. SOGo's
own tool writes the cards, for its indexes; rights and subscriptions follow as those of agendas do.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from malleposte.adapters.sogo import CONTACTS, Forget, Sql, folders, rights, tool
from malleposte.adapters.sogo.folders import Folder
from malleposte.adapters.sogo.rights import ANYBODY, NOTHING
from malleposte.core.loops import named
from malleposte.directory.model import first
from malleposte.directory.query import All, Equal, Present
from malleposte.groupware.sogo import subscriptions
from malleposte.groupware.sogo.offers import Listed, Offers
from malleposte.groupware.sogo.reading import CARD, Reading, codes

OWNER = "malleposte-annuaires"
"""The owner of the address books: no agent, and nobody can log in by that name."""
READS = "ObjectViewer"
TABLE = "malleposte_school_books"
AT_ONCE = 500
"""Cards that one run of SOGo's tool writes."""
RUNS = 10
"""Runs of the tool, after which the other cards wait for the next time: the jobs behind this one come soon."""


@dataclass(frozen=True)
class Card:
    """A person or a mailbox: uid, name, first name and surname where there are any, address, function."""

    uid: str
    name: str
    mail: str
    given_name: str = ""
    surname: str = ""
    function: str = ""

    def text(self, school: str) -> str:
        """Return the vCard (RFC 2426): the form that SOGo writes."""
        lines = {
            "UID": _word(self.uid), "FN": _word(self.name),
            "N": f"{_word(self.surname or self.name)};{_word(self.given_name)};;;", "EMAIL;TYPE=work": _word(self.mail),
            "TITLE": _word(self.function), "ORG": _word(school),
        }  # fmt: skip
        properties = [f"{name}:{value}" for name, value in lines.items() if value]
        return "\r\n".join(["BEGIN:VCARD", "VERSION:3.0", *properties, "END:VCARD", ""])


@dataclass(frozen=True)
class Book:
    """The address book of a school: identifier, name, cards, and the agents who read it (uids)."""

    ident: str
    title: str
    cards: tuple[Card, ...]
    readers: frozenset[str]

    def texts(self) -> dict[str, str]:
        """The cards by their names in SOGo."""
        cards = ((card.uid, card.text(self.title)) for card in self.cards)
        return {f"{uid}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.vcf": text for uid, text in cards}


def read(reading: Reading, states: Collection[str]) -> list[Book]:
    """Return the schools that have somebody to read and somebody to be read. Raises MallepostError.

    The agents and boxes of a school in these states are in its book, but for hidden ones.
    """
    people = reading.entries(
        All((Equal("objectClass", "mpAgent"), Present("mpEstablishment"))),
        *CARD[1:], "mpEstablishment", "mpHidden", "mpState",
    )  # fmt: skip
    cards: dict[str, list[Card]] = {}
    for one in (*people.values(), *reading.boxes.values()):
        if first(one, "mpState") in states and first(one, "mpHidden") != "TRUE":
            for code in codes(one):
                cards.setdefault(code, []).append(Card(*(first(one, name) for name in CARD)))
    readers: dict[str, set[str]] = {}
    for uid, agent in reading.agents.items():
        for code in codes(agent):
            readers.setdefault(code, set()).add(uid)
    names = reading.schools
    return [
        Book(code, names[code], tuple(sorted(cards[code], key=lambda card: card.uid)), frozenset(readers[code]))
        for code in sorted(names.keys() & cards.keys() & readers.keys())
    ]


def place(
    books: Sequence[Book], sql: Sql, forget: Forget, now: float, put: tool.Restore = tool.restore
) -> Iterator[tuple[str, str]]:
    """Bring SOGo to the schools of the directory; each one that changed, and what went wrong with it, if anything did.

    `now`: seconds.
    """
    offers = Offers(sql, forget, TABLE)
    offered = offers.read()
    changed, waiting = _write(books, folders.find(sql, OWNER, CONTACTS), sql, put)
    there = folders.find(sql, OWNER, CONTACTS)
    pairs = {there[book.ident]: _rights(book) for book in books if book.ident in there}
    changed |= {folder.name for folder in rights.keep_all(sql, forget, pairs)}
    for book in books:
        faults: list[str] = []
        with named(faults.append):
            if book.ident not in there and book.ident not in waiting:
                faults.append("SOGo made no address book of it")
            elif book.ident in there and offers.keep(
                _listed(book.ident), book.readers, offered.get(book.ident, {}), int(now)
            ):
                changed.add(book.ident)
        yield from ((book.ident, fault) for fault in faults)
    for ident in (there.keys() | offered.keys()) - {book.ident for book in books}:
        faults = []
        with named(faults.append):
            if ident in there:
                rights.keep(sql, forget, there[ident], [(ANYBODY, NOTHING)])
            offers.end(_listed(ident), offered.get(ident, {}).keys())
            if ident in there:
                folders.remove(sql, there[ident])
            changed.add(ident)
        yield from ((ident, fault) for fault in faults)
    yield from ((ident, "") for ident in sorted(changed))


def _write(
    books: Sequence[Book], there: Mapping[str, Folder], sql: Sql, put: tool.Restore
) -> tuple[set[str], set[str]]:
    """Remove the cards that have gone, and add the new ones with the rights, which the tool would take away.

    Return the books that changed, and those whose turn comes next time.
    """
    names = folders.names(sql, OWNER, CONTACTS)
    new: list[tuple[Book, str, str]] = []
    changed = set()
    for book in books:
        folder, before, texts = there.get(book.ident), names.get(book.ident, set()), book.texts()
        gone = sorted(before - texts.keys())
        folders.delete(sql, OWNER, ({"module": CONTACTS, "folder": book.ident, "name": name} for name in gone))
        late = [(book, name, text) for name, text in texts.items() if name not in before]
        if (folder and folders.entitle(sql, folder, book.title)) or gone or late:
            changed.add(book.ident)
        new += late
    for batch in itertools.batched(new[: RUNS * AT_ONCE], AT_ONCE, strict=False):
        tables = {}
        for book, cards in itertools.groupby(batch, key=lambda one: one[0]):
            acl: dict[str, list[str]] = {}
            for uid, role in _rights(book):
                acl.setdefault(uid, []).append(role)
            texts = {name: text for _book, name, text in cards}
            tables[f"{CONTACTS}/{book.ident}"] = tool.folder(book.title, texts, acl)
        tool.write(put, OWNER, tables)
    return changed, {book.ident for book, _name, _text in new[RUNS * AT_ONCE :]}


def _listed(ident: str) -> Listed:
    return Listed(ident, subscriptions.reference(OWNER, ident, CONTACTS))


def _rights(book: Book) -> list[tuple[str, str]]:
    return [(ANYBODY, NOTHING), *((uid, READS) for uid in sorted(book.readers))]


def _word(text: str) -> str:
    """A value of a vCard."""
    for mark in ("\\", ",", ";"):
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
