"""The hours that an agent chose, and the form in which they are kept and go over the wire.

Times are those of the platform's zone, as its hosts have it, without an offset: `08:00` is what a clock on the wall
shows, before and after a change of summer time.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from malleposte.accounts.mailbox import senders
from malleposte.accounts.mailbox.hours import holidays
from malleposte.core.errors import InputError

VERSION = 1
MOST_SLOTS, MOST_SENDERS, MOST_ROUNDS = 7, 50, 3
FARTHEST = datetime.timedelta(days=366)
"""The longest « Ne pas déranger »."""
MIDNIGHT = "24:00"
"""The end of a slot that lasts until the day is over."""
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_SLOT = re.compile(r"([1-7]{1,7}) ([0-9]{2}:[0-9]{2})-([0-9]{2}:[0-9]{2})")


@dataclass(frozen=True)
class Slot:
    """A time in which mail comes to the inbox: days from 1 (Monday) to 7, from `begin` to `end` (`08:00`, `24:00`)."""

    days: tuple[int, ...]
    begin: str
    end: str

    def checked(self) -> Slot:
        """The same, once each part is what it should be. Raises InputError."""
        if not self.days or any(day not in range(1, 8) for day in self.days) or len(set(self.days)) < len(self.days):
            raise InputError("a slot has days from 1 (Monday) to 7, each once")
        if not _TIME.fullmatch(self.begin) or not (self.end == MIDNIGHT or _TIME.fullmatch(self.end)):
            raise InputError(f"{self.begin[:8]}-{self.end[:8]} is no time of a day", "08:00-18:00 is one")
        if self.begin >= self.end:
            raise InputError(f"{self.begin}-{self.end} ends before it begins", "a night is two slots, until 24:00")
        return Slot(tuple(sorted(self.days)), self.begin, self.end)

    @classmethod
    def of(cls, text: str) -> Slot:
        """The slot of `12345 08:00-18:00`. Raises InputError."""
        if not (parts := _SLOT.fullmatch(text)):
            raise InputError(f"{text[:30]!r} is no slot", "12345 08:00-18:00 is one, days 1 (Monday) to 7")
        return cls(tuple(map(int, parts[1])), parts[2], parts[3]).checked()

    def __str__(self) -> str:
        return f"{''.join(map(str, self.days))} {self.begin}-{self.end}"


@dataclass(frozen=True)
class Hours:
    """The hours of an agent.

    Once they are on, mail comes to the inbox within the slots as it arrives, or at the `rounds` of each day that has a
    slot. `senders` (addresses, domains) always come through. With `holidays` the mail of public holidays waits too,
    with `school` that of the school holidays: `closed` has their periods (`holidays`), as the host knows them.
    From `since` to `until` all mail waits (« Ne pas déranger »), whether the hours are on or not.
    With `answer`, colleagues whose mail waits are told when the agent reads.
    `recall`: the agent has the folders of « Rappeler plus tard »; False where they were turned off, None for never.
    """

    on: bool = False
    slots: tuple[Slot, ...] = ()
    rounds: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    holidays: bool = False
    since: str = ""
    until: str = ""
    recall: bool | None = None
    school: bool = False
    closed: tuple[str, ...] = ()
    answer: bool = False

    def checked(self) -> Hours:
        """The same, once each part is what it should be. Raises InputError."""
        slots = tuple(dict.fromkeys(one.checked() for one in self.slots))
        if len(slots) > MOST_SLOTS:
            raise InputError(f"there is room for {MOST_SLOTS} slots")
        if self.on and not slots:
            raise InputError("hours without a slot would keep all mail waiting", "give one slot at least")
        rounds = tuple(sorted(dict.fromkeys(self.rounds)))
        if len(rounds) > MOST_ROUNDS or any(not _TIME.fullmatch(one) for one in rounds):
            raise InputError(f"mail comes at {MOST_ROUNDS} times of a day at most, each like 08:00")
        checked_senders = tuple(dict.fromkeys(map(senders.checked, self.senders)))
        if len(checked_senders) > MOST_SENDERS:
            raise InputError(f"there is room for {MOST_SENDERS} senders")
        for one in self.closed:
            holidays.period(one)
        if bool(self.since) != bool(self.until):
            raise InputError("a time without mail has a beginning and an end")
        if self.until and not moment(self.since) < moment(self.until) <= moment(self.since) + FARTHEST:
            raise InputError("a time without mail ends after it begins, within a year")
        return replace(self, slots=slots, rounds=rounds, senders=checked_senders)

    def quiet(self, now: datetime.datetime) -> bool:
        """Whether « Ne pas déranger » holds."""
        return bool(self.until) and moment(self.since) <= now < moment(self.until)


@dataclass(frozen=True)
class Change:
    """A change of the hours; None leaves a part as it is. Slots are texts, `12345 08:00-18:00`.

    `until` is the end of a « Ne pas déranger » that begins now; empty ends it.
    """

    on: bool | None = None
    slots: tuple[str, ...] | None = None
    rounds: tuple[str, ...] | None = None
    holidays: bool | None = None
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    until: str | None = None
    recall: bool | None = None
    school: bool | None = None
    answer: bool | None = None

    def to(self, current: Hours, now: datetime.datetime) -> Hours:
        """`current` after it; `now` is a moment of the platform's zone. Raises InputError."""
        new = replace(
            current,
            on=current.on if self.on is None else self.on,
            slots=current.slots if self.slots is None else tuple(map(Slot.of, self.slots)),
            rounds=current.rounds if self.rounds is None else self.rounds,
            holidays=current.holidays if self.holidays is None else self.holidays,
            school=current.school if self.school is None else self.school,
            answer=current.answer if self.answer is None else self.answer,
            recall=current.recall
            if self.recall is None
            else self.recall or (None if current.recall is None else False),
            senders=(*(one for one in current.senders if one not in self.remove), *self.add),
        )
        if self.until is not None:
            since = written(now.replace(second=0, microsecond=0)) if self.until else ""
            new = replace(new, since=since, until=self.until)
        elif current.until and moment(current.until) <= now:
            new = replace(new, since="", until="")
        return new.checked()


OFF = Change(on=False, until="")
"""All mail comes at once; what was chosen stays for another time."""


@dataclass(frozen=True)
class State:
    """The hours of an agent, how many messages wait, whether mail comes now, and when what waits moves next.

    `recalled`: messages in the folders of « Rappeler plus tard ». `known`: the school holidays that the host knows.
    """

    hours: Hours = Hours()
    waiting: int = 0
    opens: bool = True
    following: str = ""
    recalled: int = 0
    known: tuple[str, ...] = ()


class StoredHours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The hours as they are kept."""

    hours: Hours
    version: int = VERSION


def moment(text: str) -> datetime.datetime:
    """A moment of the platform's zone, `2026-03-14T08:00`. Raises InputError."""
    try:
        read = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{text[:20]!r} is no moment", "2026-03-14T08:00 is one") from error
    if read.tzinfo or written(read) != text:
        raise InputError(f"{text[:20]!r} is no moment", "2026-03-14T08:00 is one")
    return read


def written(read: datetime.datetime) -> str:
    """The form of a moment."""
    return read.isoformat(timespec="minutes")


def dumped(hours: Hours) -> str:
    """The hours on one line."""
    return msgspec.json.encode(StoredHours(hours)).decode()


def loaded(line: str) -> Hours:
    """The hours of such a line. Raises InputError."""
    try:
        record = msgspec.json.decode(line, type=StoredHours)
    except msgspec.MsgspecError as error:
        raise InputError(f"no hours of an agent: {error}") from error
    if record.version != VERSION:
        raise InputError(f"hours of version {record.version}; this release knows {VERSION}")
    return record.hours.checked()


def own_terms(hours: Hours) -> dict[str, Any]:
    """The hours in the agent's own terms, for a copy of the own data; nothing where none were chosen."""
    if hours == Hours():
        return {}
    return {
        "en service": hours.on,
        "plages": [f"{_days(one.days)} {one.begin}-{one.end}" for one in hours.slots],
        "remises": list(hours.rounds),
        "expéditeurs toujours remis": list(hours.senders),
        "jours fériés au calme": hours.holidays,
        "vacances scolaires au calme": hours.school,
        "réponse automatique aux collègues": hours.answer,
        "ne pas déranger jusqu’au": hours.until,
        "rappeler plus tard": bool(hours.recall),
    }


def _days(days: Iterable[int]) -> str:
    words = "lundi mardi mercredi jeudi vendredi samedi dimanche".split()
    return ", ".join(words[day - 1] for day in days)
