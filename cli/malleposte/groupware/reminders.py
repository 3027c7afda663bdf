"""Reminders by mail of the events in Radicale's store: their alarms of the kind EMAIL (RFC 5545, 3.6.6).

A reminder goes to the owner of the agenda alone, whatever attendees the alarm names. Phones and programs show the
alarms of other kinds by themselves.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from malleposte.core.loops import named, reason
from malleposte.groupware import items
from malleposte.groupware.events import PATIENCE, aware, bounded, length, moved, read, starts, text_of
from malleposte.runtime import kit, owner

LATEST = 86_400.0
"""Seconds after which a reminder that could not be sent in time is none any more."""

_BY_MAIL = re.compile(r"^ACTION[^:\r\n]*:\s*EMAIL", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Due:
    """A reminder: when it is due (seconds), and the words of its event. `start` is a day for whole days."""

    at: float
    title: str
    place: str
    start: datetime.date


@dataclass
class Memory:
    """By collection (`UID/NAME`): its last change (ns) as it was read, and the reminder due next of each item."""

    until: float
    collections: dict[str, tuple[int, dict[str, float]]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, now: float) -> Memory:
        """As `write` left it; a file that is missing or damaged begins now."""

        def parsed(text: str) -> Memory:
            stored = json.loads(text)
            collections = {name: (int(seen), {str(item): float(at) for item, at in due.items()})
                     for name, (seen, due) in stored["collections"].items()}  # fmt: skip
            return cls(min(float(stored["until"]), now), collections)

        return kit.state(path, parsed) or cls(now)

    def write(self, path: Path) -> None:
        """In place of the older one."""
        owner.replace(path, json.dumps({"until": self.until, "collections": self.collections}))


def upcoming(text: str, after: float, zone: datetime.tzinfo) -> Due | None:
    """The first reminder of an item after a second; times without a zone are of `zone`. None where none is to come."""
    if not _BY_MAIL.search(text):
        return None
    events = read(text)
    others = moved(events, zone)
    reminders = [due for one in events for due in _of_event(one, after, zone, others)]
    return min(reminders, key=lambda due: due.at, default=None)


def _of_event(event: Any, after: float, zone: datetime.tzinfo, others: set[datetime.datetime]) -> Iterator[Due]:
    start = event.dtstart.value
    words = (text_of(event, "summary"), text_of(event, "location"))
    for alarm in event.contents.get("valarm", []):
        if text_of(alarm, "action").upper() != "EMAIL" or "trigger" not in alarm.contents:
            continue
        trigger = alarm.trigger.value
        if isinstance(trigger, datetime.datetime):
            if trigger.timestamp() > after:
                yield Due(trigger.timestamp(), *words, start)
            continue
        if alarm.trigger.params.get("RELATED", [""])[0].upper() == "END":
            trigger += length(event)
        for begins in starts(event, zone, after - trigger.total_seconds()):
            if "recurrence-id" in event.contents or aware(begins, zone) not in others:
                yield Due(aware(begins, zone).timestamp() + trigger.total_seconds(), *words, begins)
                break


Send = Callable[[str, Due], None]
"""(uid, reminder) -> nothing. Raises OSError where the mail server does not take it."""


@dataclass
class Round:
    """One look at all agendas: sent reminders, unread items with the reason, why one was not sent."""

    root: Path
    zone: datetime.tzinfo
    send: Send
    sent: int = 0
    unread: list[tuple[str, str]] = field(default_factory=list)
    unsent: str = ""

    def run(self, memory: Memory, now: float) -> Memory:
        """Send the reminders that became due since the memory's end; the memory of the next round.

        Only collections that changed are read again. The next round tries again what could not be sent.
        """
        after = max(memory.until, now - LATEST)
        collections: dict[str, tuple[int, dict[str, float]]] = {}
        for folder in (one for home in items.homes(self.root) for one in items.agendas(home)):
            name = f"{folder.parent.name}/{folder.name}"
            faults: list[str] = []
            with named(faults.append), contextlib.suppress(FileNotFoundError):  # it was removed meanwhile
                collections[name] = self._collection(folder, memory.collections.get(name, (0, {})), after, now)
            for fault in faults:
                self.unread.append((name, fault))
                if name in memory.collections:
                    collections[name] = memory.collections[name]
        return Memory(now, collections)

    def _collection(
        self, folder: Path, before: tuple[int, dict[str, float]], after: float, now: float
    ) -> tuple[int, dict[str, float]]:
        """Send what is late in a collection; what is known of it then. Raises OSError."""
        seen, due = before
        changed = folder.stat().st_mtime_ns
        if seen != changed:
            past = {item: at for item, at in due.items() if at <= after}
            due = dict(self._due(folder, (path.name for path in folder.iterdir()), after)) | past
        late = {item: at for item, at in due.items() if at <= now}
        due = {item: at for item, at in due.items() if at > now}
        for item, at in late.items():
            due |= self._rung(folder, item, at, now)
        return changed, due

    def _rung(self, folder: Path, item: str, at: float, now: float) -> dict[str, float]:
        """Send the reminders of an item from this second on; by the item the next one, or the one that was not sent."""
        reminder = self._read(folder, item, max(at, now - LATEST) - 0.5)
        while reminder and reminder.at <= now:
            try:
                self.send(folder.parent.name, reminder)
            except OSError as error:
                self.unsent = str(error)
                return {item: reminder.at}
            except Exception as error:  # noqa: BLE001  # a title that no letter can bear stops no other reminder
                self.unread.append((f"{folder.parent.name}/{folder.name}/{item}", reason(error)))
            else:
                self.sent += 1
            reminder = self._read(folder, item, reminder.at)
        return {item: reminder.at} if reminder else {}

    def _due(self, folder: Path, items: Iterable[str], after: float) -> Iterator[tuple[str, float]]:
        for item in items:
            if not item.startswith(".") and (reminder := self._read(folder, item, after)):
                yield item, reminder.at

    def _read(self, folder: Path, item: str, after: float) -> Due | None:
        path = folder / item
        try:
            if (text := items.content(path)) is None:
                return None
            with bounded(PATIENCE):
                return upcoming(text, after, self.zone)
        except Exception as error:  # noqa: BLE001  # vobject and dateutil raise whatever their parsers meet
            self.unread.append((f"{folder.parent.name}/{folder.name}/{item}", f"{type(error).__name__}: {error}"))
            return None
