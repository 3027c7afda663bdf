"""Copies of the agendas of functional boxes, for delegates and readers whose class has the light agenda.

SOGo keeps these agendas. Who has no SOGo reads a copy, beside the published calendars: Radicale's job takes it from a
store like theirs. Nobody writes in it there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from malleposte.accounts.agendas.model import MAIN
from malleposte.adapters.sogo import CALENDAR, Sql, folders
from malleposte.core.errors import InputError
from malleposte.core.loops import named
from malleposte.groupware.published import content
from malleposte.groupware.published.model import LONGEST, Shown
from malleposte.groupware.published.places import BOXES, OF_BOX
from malleposte.groupware.published.store import Store, digest, write
from malleposte.groupware.sogo.boxes import COLOUR
from malleposte.groupware.sogo.reading import Reading

MOST_EVENTS, MOST_BYTES = 1000, content.MOST_BYTES // 2
"""The bounds of a copy; of more events, it has those that changed last."""


def read(reading: Reading, uids: Iterable[str]) -> list[Shown]:
    """Return the copies of these boxes' agendas that somebody reads, without their digests. Raises MallepostError."""
    members: dict[str, set[str]] = {uid: set() for uid in uids}
    for agent, entry in (reading.others if members else {}).items():
        for uid in {*entry.get("mpOpens", ()), *entry.get("mpReads", ())} & members.keys():
            members[uid].add(agent)
    names = {uid: next(iter(reading.boxes[uid].get("cn", ())), uid) for uid, agents in members.items() if agents}
    return [
        Shown(f"{OF_BOX}{uid}", name[:LONGEST], COLOUR, "", tuple(sorted(members[uid])))
        for uid, name in sorted(names.items())
    ]


def place(copies: Sequence[Shown], sql: Sql, store: Store | None = None) -> Iterator[tuple[str, str]]:
    """Bring the store to these copies; yield the box of each that changed, and what went wrong with it.

    A copy that fails stays as it was, and is shown to those alone who may read it now. Raises MallepostError, OSError.
    """
    store = store or Store(BOXES, OF_BOX)
    before = {one.ident: one for one in store.shown()}
    if not copies and not before:
        return
    stamps = folders.stamps(sql, (_uid(one.ident) for one in copies), MAIN)
    shown = []
    for one in copies:
        uid, ended = _uid(one.ident), list[str]()
        copy = replace(one, digest=before[one.ident].digest if one.ident in before else "")
        stamp = digest(stamps.get(uid, "").encode())
        if copy.digest != stamp:
            with named(ended.append):
                write(store.entries / f"{one.ident}.ics", content.whole(_items(sql, uid), one.name))
                copy = replace(copy, digest=stamp)
        shown.append(copy)
        if ended or copy != before.get(one.ident):
            yield uid, "; ".join(ended)
    if shown != [*before.values()]:
        store.show(shown)
    for ident in before.keys() - {one.ident for one in shown}:
        with suppress(FileNotFoundError):
            (store.entries / f"{ident}.ics").unlink()
        yield _uid(ident), ""


def _uid(ident: str) -> str:
    return ident.removeprefix(OF_BOX)


def _items(sql: Sql, uid: str) -> Mapping[str, str]:
    """Return the events of a box's agenda, each as a published calendar has it. What is none is left out."""
    rows = [
        one for one in folders.items(sql, uid)
        if one["module"] == CALENDAR and one["folder"] == MAIN and one["name"] is not None
    ]  # fmt: skip
    items: dict[str, str] = {}
    octets, events = MOST_BYTES, MOST_EVENTS
    for one in sorted(rows, key=lambda row: float(row["changed"]), reverse=True)[:MOST_EVENTS]:
        text = str(one["text"]).encode()
        with suppress(InputError):
            if len(text) <= octets and (checked := content.check(text, str(one["name"]))).events <= events:
                octets, events = octets - len(text), events - checked.events
                items |= checked.items
    return dict(sorted(items.items()))
