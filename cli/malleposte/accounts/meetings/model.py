"""A group that is to meet, and what is asked of its agendas."""

from __future__ import annotations

import datetime
from typing import Annotated

import msgspec

from malleposte.platform.identity import FORM

MOST_PEOPLE = 50
"""People of a search, the agent who asks among them."""
LONGEST_DAYS = 28
"""Days of a search."""
SHORTEST, LONGEST = 15, 480
"""Minutes of a meeting."""
Span = tuple[datetime.datetime, datetime.datetime]
"""Beginning and end, with their zone."""


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An agent whose agendas are asked: the uid, the class of service, and the addresses by which events name them."""

    uid: Annotated[str, msgspec.Meta(pattern=f"^{FORM}$")]
    profile: Annotated[str, msgspec.Meta(max_length=100)]
    mails: Annotated[tuple[Annotated[str, msgspec.Meta(max_length=320)], ...], msgspec.Meta(max_length=50)] = ()


class Times(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The times at which an agent is busy, in UTC (`20260615T080000Z`), and nothing else of any event.

    Not `known` where the agent shows them to nobody, has no agenda, or has one that cannot be read.
    """

    uid: str
    busy: tuple[tuple[str, str], ...] = ()
    known: bool = True


class Appointment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event of an agent's own: UTC, or days (`20260615`) for whole ones, the end included; links that it names."""

    begin: str
    end: str
    title: str = ""
    place: str = ""
    links: tuple[str, ...] = ()


class Slot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A time for a meeting, in the platform's zone (`2026-06-15T08:00`), and the keys of those who are busy then."""

    begin: str
    end: str
    busy: tuple[str, ...] = ()
