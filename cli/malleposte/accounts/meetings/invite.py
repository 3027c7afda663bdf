"""Meetings that agents call from the portal: a ledger entry each, beside the convocations of offices.

The worker of convocations sends the letters, files the organiser's entry, and counts the answers.
"""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from malleposte.accounts.convocations import plan, store
from malleposte.accounts.convocations.model import (
    Answer,
    Convocation,
    Counts,
    Event,
    Invitee,
    Part,
    Person,
    Stage,
)
from malleposte.platform import idents

MOST_OPEN = 50
"""Meetings of an agent that are not over."""
VISIO = "Visioconférence\N{NO-BREAK SPACE}: "
SHOWN = 15
"""Guests of a meeting that are named; the counts have all of them."""


class Guest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who is invited, with the answer. `sent`: the letter went; `failed`: it could not go yet."""

    name: str
    answer: Answer = Answer.SILENCE
    sent: bool = False
    failed: bool = False


class Meeting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A meeting of an agent, as its organiser sees it."""

    ident: str
    event: Event
    guests: tuple[Guest, ...] = ()
    counts: Counts = Counts()
    off: bool = False


def call(
    by: Person, event: Event, guests: Iterable[Person], now: datetime.datetime, folder: Path = store.FOLDER,
    *, ident: str = "",
) -> Meeting | None:  # fmt: skip
    """Call a meeting, once under the name `ident` where one is given; None where the agent has too many.

    Raises OSError.
    """
    with store.turn(folder):
        if ident and store.has(ident, folder):
            return shown(store.load(ident, folder))
        if is_full(by.uid, now.timestamp(), folder):
            return None
        own = Invitee(by.uid, plan.token(), by, event, answer=Answer.YES, part=Part.ORGANISER)
        others = [Invitee(plan.key_of(one), plan.token(), one, event, part=Part.GUEST) for one in guests]
        ident = ident or idents.new_ident(now, lambda word: store.has(word, folder))
        meeting = Convocation(
            ident, event.title, by.uid, by.address, by.name, by.address.rpartition("@")[2], by.uid,
            int(now.timestamp()), stage=Stage.OPEN, invitees=[own, *others], shared=secrets.token_hex(12),
        )  # fmt: skip
        store.ask(meeting, folder)
    return shown(meeting)


def is_full(uid: str, now: float, folder: Path = store.FOLDER) -> bool:
    """Whether an agent may call no further meeting until one is over or off."""
    return sum(one.stage is Stage.OPEN and one.last > now for one in _of(uid, folder)) >= MOST_OPEN


def call_off(uid: str, ident: str, now: float, folder: Path = store.FOLDER) -> Meeting | None:
    """Call one off that is not over; None where the agent has none of that name. Raises OSError."""
    with store.turn(folder):
        one = next((each for each in _of(uid, folder) if each.ident == ident), None)
        if one is None:
            return None
        if one.stage is Stage.OPEN and one.last > now:
            plan.call_off(one, now)
            store.ask(one, folder)
    return shown(one)


def listed(uid: str, now: float, folder: Path = store.FOLDER) -> list[Meeting]:
    """Return the meetings of an agent that are not over, the next one first."""
    several = [shown(one) for one in _of(uid, folder) if one.last > now]
    return sorted(several, key=lambda each: (each.event.begin, each.ident))


def forget(uid: str, folder: Path = store.FOLDER) -> bool:
    """Remove the meetings of an agent who is removed; whether there were any. Raises OSError."""
    if not folder.is_dir():
        return False
    with store.turn(folder):
        names = [one.ident for one in _of(uid, folder)]
        for name in names:
            (folder / f"{name}.json").unlink(missing_ok=True)
    return bool(names)


def shown(one: Convocation) -> Meeting:
    """Return a meeting as it is shown. What is off stays with the guests who are told so."""
    guests = [each for each in one.invitees if each.part is not Part.ORGANISER]
    event = msgspec.structs.replace(one.invitees[0].event, text="")
    named = tuple(_guest(each) for each in guests[:SHOWN])
    return Meeting(one.ident, event, named, Counts.of(guests), one.stage is Stage.OFF)


def with_visio(event: Event, link: str) -> Event:
    """Return an event with the link of its meeting by video: its place where it has none, else below its text."""
    if not link:
        return event
    if not event.place:
        return msgspec.structs.replace(event, place=link)
    return msgspec.structs.replace(event, text="\n".join(filter(None, (event.text, VISIO + link))))


def visio_link(url: str) -> str:
    """Return the address of a new room, which nobody guesses, by the fact `malleposte_visio_url`; empty without one."""
    if not url:
        return ""
    # Of the form of SOGo's own: 36 characters.
    word = secrets.token_hex(16)
    slug = "-".join((word[:8], word[8:12], word[12:16], word[16:20], word[20:]))
    return url.replace("{slug}", slug) if "{slug}" in url else f"{url.rstrip('/')}/reunion-{slug}"


def _guest(one: Invitee) -> Guest:
    return Guest(
        one.person.name or one.person.address, one.answer, one.mailed >= one.sequence, bool(one.failure)
    )  # fmt: skip


def _of(uid: str, folder: Path) -> Iterator[Convocation]:
    return (one for one in store.every(folder, uid) if one.shared and one.office == uid)
