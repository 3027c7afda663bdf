"""Entries of convocations in agendas of agents, whatever their class: put, replaced, taken out. On the host of the web.

An entry stays where its agent keeps it, with the agent's own alarms.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Annotated

import msgspec

from malleposte.accounts.agendas.model import MAIN, Collection, Item, Kind, Store
from malleposte.accounts.agendas.move import Stores
from malleposte.core.errors import MallepostError
from malleposte.core.loops import named
from malleposte.platform.identity import FORM

LONGEST = 16_384
"""Characters of an entry."""
MOST_ALARMS, LONGEST_ALARM = 5, 2048
_ALARM, _END_OF_ALARM, _END = "BEGIN:VALARM", "END:VALARM", "END:VEVENT"


class Filing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry to put into the agenda of an agent of a class, or (an empty `text`) to take out of it."""

    uid: Annotated[str, msgspec.Meta(pattern=f"^{FORM}$")]
    profile: Annotated[str, msgspec.Meta(max_length=100)]
    event_id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    text: Annotated[str, msgspec.Meta(max_length=LONGEST)] = ""


def file(stores: Stores, filings: Iterable[Filing], now: float) -> list[tuple[str, str]]:
    """Do so with each; return what failed: the UID of the event, and why."""
    failures = list[tuple[str, str]]()
    for one in filings:
        faults = list[str]()
        with named(faults.append):
            if one.text:
                _put(stores, one, now)
            else:
                _take_out(stores, one)
        failures += ((one.event_id, fault) for fault in faults)
    return failures


def _put(stores: Stores, one: Filing, now: float) -> None:
    """Put an entry into the store of the class. Raises MallepostError where it is not there afterwards."""
    store = stores.main(one.profile)
    there = next(iter(_holding(store, one)), Collection(Kind.AGENDA, MAIN))
    old = there.items.get(one.event_id)
    text = with_alarms(one.text, old.text) if old else one.text
    name = old.name if old else f"{hashlib.sha256(one.event_id.encode()).hexdigest()[:32]}.ics"
    # A clock that went back meanwhile, or a device that is ahead, must not keep the older one.
    changed = max(now, old.changed + 1 if old else now)
    store.add(one.uid, [replace(there, items={one.event_id: Item(name, text, changed)})])
    if not any(_holding(store, one)):
        raise MallepostError(f"{store.name} took no entry for {one.uid}")


def _take_out(stores: Stores, one: Filing) -> None:
    """Take an entry out of every store: its agent may have had another class when it came."""
    for store in stores.every():
        copies = [there.only([one.event_id]) for there in _holding(store, one)]
        if copies:
            store.remove(one.uid, copies)
            if any(_holding(store, one)):
                raise MallepostError(f"{store.name} changed the entry of {one.uid} meanwhile")


def _holding(store: Store, one: Filing) -> Iterator[Collection]:
    return (there for there in store.read(one.uid) if there.kind is Kind.AGENDA and one.event_id in there.items)


def with_alarms(text: str, old: str) -> str:
    """Return an entry with the alarms of the one before, as they stand there. Texts of an agent stay that agent's."""
    alarms = list[str]()
    begin = old.find(_ALARM)
    while begin >= 0 and len(alarms) < MOST_ALARMS:
        end = old.find(_END_OF_ALARM, begin)
        if end < 0:
            break
        alarm = old[begin : end + len(_END_OF_ALARM)]
        if len(alarm) <= LONGEST_ALARM and _END not in alarm and alarm.count("BEGIN:") == 1:
            alarms.append("\r\n".join(alarm.splitlines()) + "\r\n")
        begin = old.find(_ALARM, end)
    head, sign, rest = text.partition(_END)
    return f"{head}{''.join(alarms)}{sign}{rest}"
