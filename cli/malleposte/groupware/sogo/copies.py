"""Copies of what functional boxes have in SOGo, for delegates and readers whose class has the light agenda.

SOGo keeps the agendas of boxes and the address books of teams. Who has no SOGo reads a copy, beside the published
calendars: Radicale's job takes it from a store like theirs. Nobody writes in it there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from malleposte.accounts.agendas.model import MAIN
from malleposte.adapters.sogo import CALENDAR, CONTACTS, Sql, folders
from malleposte.core.errors import InputError
from malleposte.core.loops import named
from malleposte.groupware.published import cards, content
from malleposte.groupware.published.model import LONGEST, Shown
from malleposte.groupware.published.places import BOOK_OF, BOXES, OF_BOX
from malleposte.groupware.published.store import Store, digest, write
from malleposte.groupware.sogo.boxes import AGENDA, Part
from malleposte.groupware.sogo.reading import Reading

MOST_EVENTS, MOST_BYTES = 1000, content.MOST_BYTES // 2
"""The bounds of a copy; of more events, it has those that changed last."""
_OF = {CALENDAR: OF_BOX, CONTACTS: BOOK_OF}


def read(reading: Reading, uids: Iterable[str], part: Part = AGENDA) -> list[Shown]:
    """Return the copies of this part of these boxes that somebody reads, without digests. Raises MallepostError."""
    members: dict[str, set[str]] = {uid: set() for uid in uids}
    for agent, entry in (reading.others if members else {}).items():
        for uid in {*entry.get("mpOpens", ()), *entry.get("mpReads", ())} & members.keys():
            members[uid].add(agent)
    names = {uid: next(iter(reading.boxes[uid].get("cn", ())), uid) for uid, agents in members.items() if agents}
    return [
        Shown(f"{_OF[part.module]}{uid}", name[:LONGEST], part.colour, "", tuple(sorted(members[uid])))
        for uid, name in sorted(names.items())
    ]


def place(copies: Sequence[Shown], sql: Sql, store: Store | None = None) -> Iterator[tuple[str, str]]:
    """Bring the store to these copies; yield the box of each that changed, and what went wrong with it.

    A copy that fails stays as it was, and is shown to those alone who may read it now. Raises MallepostError, OSError.
    """
    store = store or Store(BOXES, OF_BOX, BOOK_OF)
    before = {one.ident: one for one in store.shown()}
    if not copies and not before:
        return
    stamps = {
        f"{prefix}{uid}": stamp
        for module, prefix in _OF.items()
        if (uids := [_uid(one.ident) for one in copies if one.is_book == (module == CONTACTS)])
        for uid, stamp in folders.stamps(sql, uids, MAIN, module).items()
    }
    shown = []
    for one in copies:
        ended = list[str]()
        copy = replace(one, digest=before[one.ident].digest if one.ident in before else "")
        stamp = digest(stamps.get(one.ident, "").encode())
        if copy.digest != stamp:
            with named(ended.append):
                write(store.entries / f"{one.ident}.ics", _text(sql, one))
                copy = replace(copy, digest=stamp)
        shown.append(copy)
        if ended or copy != before.get(one.ident):
            yield _uid(one.ident), "; ".join(ended)
    if shown != [*before.values()]:
        store.show(shown)
    for ident in before.keys() - {one.ident for one in shown}:
        with suppress(FileNotFoundError):
            (store.entries / f"{ident}.ics").unlink()
        yield _uid(ident), ""


def _uid(ident: str) -> str:
    return ident.partition(".")[2]


def _text(sql: Sql, one: Shown) -> str:
    """Return the file of a copy, with what changed last where there is more than it takes."""
    module, uid = CONTACTS if one.is_book else CALENDAR, _uid(one.ident)
    rows = [
        row for row in folders.items(sql, uid)
        if row["module"] == module and row["folder"] == MAIN and row["name"] is not None
    ]  # fmt: skip
    latest = [
        (str(row["name"]), str(row["text"]))
        for row in sorted(rows, key=lambda row: float(row["changed"]), reverse=True)
    ]
    return _cards(latest) if one.is_book else content.whole(_events(latest), one.name)


def _cards(latest: Iterable[tuple[str, str]]) -> str:
    texts: list[str] = []
    octets = cards.MOST_BYTES
    for _name, text in latest:
        card = cards.whole([text])
        if card and len(card.encode()) <= octets and len(texts) < cards.MOST_CARDS:
            octets -= len(card.encode())
            texts.append(card)
    return "".join(sorted(texts))


def _events(latest: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """Return the events of a box's agenda, each as a published calendar has it. What is none is left out."""
    items: dict[str, str] = {}
    octets, events = MOST_BYTES, MOST_EVENTS
    for name, whole in latest[:MOST_EVENTS]:
        text = whole.encode()
        with suppress(InputError):
            if len(text) <= octets and (checked := content.check(text, name)).events <= events:
                octets, events = octets - len(text), events - checked.events
                items |= checked.items
    return dict(sorted(items.items()))
