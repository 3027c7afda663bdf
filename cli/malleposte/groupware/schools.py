"""Address books of schools in SOGo: the people of a school, and its mailboxes, for those of its agents who have SOGo.

All belong to a technical user. A card's name holds a digest of its text, so that names alone say what changed. SOGo's
own tool writes the cards, for its indexes; rights and subscriptions follow as those of agendas do.
"""

from __future__ import annotations

import hashlib
import itertools
import plistlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from malleposte.accounts.agendas import folders, rights
from malleposte.accounts.agendas.rights import ANYBODY, NOTHING, Forget, Sql
from malleposte.accounts.agendas.sogo import Restore, printable, quoted, quoted_json, restore, rows
from malleposte.core.loops import named
from malleposte.groupware import subscriptions
from malleposte.groupware.offers import Listed, Offers

OWNER = "malleposte-annuaires"
"""The owner of the address books: no agent, and nobody can log in by that name."""
READS = "ObjectViewer"
TABLE = "malleposte_school_books"
AT_ONCE = 500
"""Cards that SOGo's tool writes in one run."""

_BOOKS = """SELECT row_to_json(one) FROM (SELECT i.c_path4 AS ident, i.c_folder_id AS id, i.c_foldername AS title,
  coalesce(json_agg(s.c_name) FILTER (WHERE s.c_name IS NOT NULL), '[]') AS cards
  FROM sogo_folder_info i LEFT JOIN sogo_store s ON s.c_folder_id = i.c_folder_id AND coalesce(s.c_deleted, 0) = 0
  WHERE i.c_path2 = {owner} AND i.c_path3 = 'Contacts' GROUP BY i.c_path4, i.c_folder_id, i.c_foldername) AS one;"""
# As SOGo deletes: the row stays and says so, for devices that ask what has gone.
_GONE = """BEGIN;
CREATE TEMP TABLE gone ON COMMIT DROP AS SELECT json_array_elements_text({names}) AS name;
UPDATE sogo_store SET c_deleted = 1, c_lastmodified = extract(epoch FROM now())::int, c_version = c_version + 1
  WHERE c_folder_id = {id} AND c_name IN (SELECT name FROM gone);
DELETE FROM sogo_quick_contact WHERE c_folder_id = {id} AND c_name IN (SELECT name FROM gone);
COMMIT;"""


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
        told = [f"{name}:{value}" for name, value in lines.items() if value]
        return "\r\n".join(["BEGIN:VCARD", "VERSION:3.0", *told, "END:VCARD", ""])


@dataclass(frozen=True)
class Book:
    """The address book of a school: identifier, name, cards, and the agents who read it (uids)."""

    ident: str
    title: str
    cards: tuple[Card, ...]
    readers: frozenset[str]

    def texts(self) -> dict[str, str]:
        """The cards by their names in SOGo."""
        found = ((card.uid, card.text(self.title)) for card in self.cards)
        return {f"{uid}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.vcf": text for uid, text in found}


@dataclass(frozen=True)
class _Held:
    """An address book as SOGo has it: number, name, names of its cards."""

    id: int
    title: str
    cards: frozenset[str]


def place(
    books: Sequence[Book], sql: Sql, forget: Forget, now: float, put: Restore = restore
) -> Iterator[tuple[str, str]]:
    """Bring SOGo to the schools of the directory; each one that changed, and what went wrong with it, if anything did.

    `now`: seconds.
    """
    offers = Offers(sql, forget, TABLE)
    offered = offers.held()
    changed = _write(books, _books(sql), sql, put)
    held = _books(sql)
    there = [book for book in books if book.ident in held]
    wanted = {_agenda(book.ident, held[book.ident].id): _rights(book) for book in there}
    changed |= {agenda.name for agenda in rights.keep_all(sql, forget, wanted)}
    for book in books:
        faults: list[str] = []
        with named(faults.append):
            if book.ident not in held:
                faults.append("SOGo made no address book of it")
            elif offers.keep(_listed(book.ident), book.readers, offered.get(book.ident, {}), int(now)):
                changed.add(book.ident)
        yield from ((book.ident, fault) for fault in faults)
    for ident in (held.keys() | offered.keys()) - {book.ident for book in books}:
        faults = []
        with named(faults.append):
            if ident in held:
                rights.keep(sql, forget, _agenda(ident, held[ident].id), [(ANYBODY, NOTHING)])
            offers.end(_listed(ident), offered.get(ident, {}).keys())
            if ident in held:
                sql(folders.remove(held[ident].id, subscriptions.CONTACTS))
            changed.add(ident)
        yield from ((ident, fault) for fault in faults)
    yield from ((ident, "") for ident in sorted(changed))


def _books(sql: Sql) -> dict[str, _Held]:
    found = rows(sql(_BOOKS.format(owner=quoted(OWNER))))
    return {str(one["ident"]): _Held(int(one["id"]), str(one["title"]), frozenset(one["cards"])) for one in found}


def _write(books: Sequence[Book], held: Mapping[str, _Held], sql: Sql, put: Restore) -> set[str]:
    """Cards that have gone leave, those that are new come, with the rights, which the tool would take away; which."""
    late: list[tuple[Book, str, str]] = []
    changed = set()
    for book in books:
        there, texts = held.get(book.ident), book.texts()
        gone = sorted(there.cards - texts.keys()) if there else []
        new = [(book, name, text) for name, text in texts.items() if there is None or name not in there.cards]
        if there and gone:
            sql(_GONE.format(id=there.id, names=quoted_json(gone)))
        if there and there.title != book.title:
            sql(folders.entitle(there.id, book.title))
        if gone or new or (there and there.title != book.title):
            changed.add(book.ident)
        late += new
    for batch in itertools.batched(late, AT_ONCE, strict=False):
        tables: dict[str, dict[str, object]] = {}
        for book, found in itertools.groupby(batch, key=lambda one: one[0]):
            acl: dict[str, list[str]] = {}
            for uid, role in _rights(book):
                acl.setdefault(uid, []).append(role)
            records = [{"c_name": name, "c_content": printable(text)} for _book, name, text in found]
            path = f"/Users/{OWNER}/Contacts/{book.ident}"
            tables[path] = {"acl": acl, "displayname": printable(book.title), "records": records}
        put(OWNER, plistlib.dumps({"tables": tables}))
    return changed


def _agenda(ident: str, number: int) -> rights.Agenda:
    return rights.Agenda(number, OWNER, ident, subscriptions.CONTACTS)


def _listed(ident: str) -> Listed:
    return Listed(ident, subscriptions.reference(OWNER, ident, subscriptions.CONTACTS))


def _rights(book: Book) -> list[tuple[str, str]]:
    return [(ANYBODY, NOTHING), *((uid, READS) for uid in sorted(book.readers))]


def _word(text: str) -> str:
    """A value of a vCard."""
    for mark in ("\\", ",", ";"):
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
