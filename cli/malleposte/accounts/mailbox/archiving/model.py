"""The choice of an agent, what was archived, and the form in which both are kept."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec

from malleposte.core.errors import InputError
from malleposte.platform.times import iso

VERSION = 1
MONTHS = (6, 12, 24)
DONE = "$label5"
"""The keyword of the label for what is done (fact `malleposte_mail_labels`, the fifth)."""
DAYS = 30
"""Days for which a night's work can be undone."""


@dataclass(frozen=True)
class Choice:
    """A choice: mail that came so many months ago (0: none), was read, and with `done` bears that label."""

    months: int = 0
    done: bool = False

    def checked(self) -> Choice:
        """The same. Raises InputError."""
        if self.months and self.months not in MONTHS:
            raise InputError(f"{self.months} months cannot be chosen", f"choose one of {', '.join(map(str, MONTHS))}")
        return self

    def before(self, now: datetime.datetime) -> datetime.datetime:
        """The day (a moment of the host's zone) before which mail came that is meant."""
        month = now.year * 12 + now.month - 1 - self.months
        year, month = divmod(month, 12)
        day = now.date().replace(day=1, year=year, month=month + 1)
        last = (day + datetime.timedelta(days=31)).replace(day=1) - datetime.timedelta(days=1)
        return datetime.datetime.combine(day.replace(day=min(now.day, last.day)), datetime.time())


@dataclass(frozen=True)
class Moved:
    """A night's work: when it began (seconds since 1970), and the GUIDs that went to each folder.

    While it is `open`, some of them may not have moved, or lie in both folders.
    """

    at: int
    folders: Mapping[str, tuple[str, ...]]
    open: bool = False

    def counts(self) -> dict[str, int]:
        """The number of messages for each folder."""
        return {folder: len(guids) for folder, guids in self.folders.items() if guids}


@dataclass(frozen=True)
class Record:
    """The choice, each night's work of late, and what the next monthly letter tells: numbers by folder, of a month."""

    choice: Choice = Choice()
    moved: tuple[Moved, ...] = ()
    untold: Mapping[str, int] = field(default_factory=dict)
    month: str = ""
    version: int = VERSION

    def without_old(self, now: float) -> Record:
        """The same without work that can no longer be undone."""
        return replace(self, moved=tuple(one for one in self.moved if one.open or now - one.at < DAYS * 86400))

    def closed(self, work: Moved) -> Record:
        """The same with the open work ended: its messages are counted for the letter."""
        counts = work.counts()
        untold = {folder: self.untold.get(folder, 0) + counts.get(folder, 0) for folder in {*self.untold, *counts}}
        ended = (replace(work, open=False),) if counts else ()
        return replace(self, moved=(*(one for one in self.moved if one.at != work.at), *ended), untold=untold)

    def undone(self, work: Moved) -> Record:
        """The same without that work, which the letter tells no more."""
        counts = work.counts()
        untold = {folder: left for folder, many in self.untold.items() if (left := many - counts.get(folder, 0)) > 0}
        return replace(self, moved=tuple(one for one in self.moved if one.at != work.at), untold=untold)


@dataclass(frozen=True)
class State:
    """The agent's view: the choice, the label's name (empty where the platform has none), the work to be undone.

    Each work has its time in seconds since 1970 and numbers by folder, the latest first.
    """

    choice: Choice = Choice()
    label: str = ""
    moved: tuple[tuple[int, dict[str, int]], ...] = ()


def dumped(record: Record) -> str:
    """The text of the file."""
    return msgspec.json.encode(record).decode() + "\n"


def loaded(text: str) -> Record:
    """Read such a text. Raises InputError."""
    try:
        record = msgspec.json.decode(text, type=Record)
    except msgspec.MsgspecError as error:
        raise InputError(f"no archiving of an agent: {error}") from error
    if record.version != VERSION:
        raise InputError(f"archiving of version {record.version}; this release knows {VERSION}")
    return replace(record, choice=record.choice.checked())


def own_terms(record: Record) -> dict[str, object]:
    """Return it in the agent's own terms, for a copy of the own data; nothing where nothing was chosen."""
    if not record.choice.months and not record.moved:
        return {}
    done = {iso(one.at): one.counts() for one in record.moved}
    return {
        "après (mois)": record.choice.months,
        "seulement avec l’étiquette": record.choice.done,
        "messages archivés ces derniers jours": done,
    }
