"""The parts of a rule that tells of new events: its agenda, what was seen of it, what is told."""

from __future__ import annotations

import hashlib
from typing import Annotated

import msgspec

from malleposte.accounts.agendas.model import MAIN
from malleposte.platform.identity import FORM

MOST_EVENTS = 20_000
"""Events of an agenda that may be watched. Where more change at once, nobody is told."""
LOOKS = 50
"""Agendas that are looked at together."""
MOST_NEW = 40
"""New events of an account that a look reads; the next one goes on."""
TOGETHER, SLOT = 20, 300.0
"""More new events than so many in one agenda within so many seconds were imported or brought back: nobody is told."""
MOST_SEEN = 50_000
"""Events of a rule that are known again; of more, those that were seen longest ago are forgotten."""
EARLIER = 2 * 86_400.0
"""Seconds before the last look: what was made earlier than that, and comes now, was brought back or imported."""
LATE = 48 * 3600.0
"""Seconds: an agenda that nobody looked at for longer is watched anew, and what came meanwhile is not told."""
SKEW = 600.0
"""Seconds by which a device's clock may be slow as a rule begins."""
Uid = Annotated[str, msgspec.Meta(pattern=f"^{FORM}$")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=250)]
Key = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{24}$")]


class Agenda(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An agenda: its owner (an agent, or a team), its name between stores, and its title (empty: the store's own)."""

    owner: Uid
    name: Name = MAIN
    title: Annotated[str, msgspec.Meta(max_length=200)] = ""


class Look(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A look at an agenda. `profile`: its owner's class, empty for a team; `after`: seconds since 1970, 0 for all."""

    owner: Uid
    name: Name
    profile: str = ""
    after: float = 0.0


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event that changed: its name in the agenda, its key wherever it lies, when it changed."""

    name: str
    key: Key
    changed: float


class Changes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The answer to a look, as of `at`. `more`: and there are later ones; `fault`: it could not be read."""

    at: float
    there: bool = True
    events: tuple[Seen, ...] = ()
    more: bool = False
    fault: str = ""


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event to tell: moments with their offset, or days, the end included (`groupware.announced`)."""

    key: Key
    title: str
    begin: str
    end: str
    place: str = ""


class Watch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule that tells of events. `since`: when it began; `cursor`: the last look, 0 before the first one.

    `gone`: since when its agenda is not there.
    """

    uid: Uid
    rule: str
    agenda: Agenda
    since: float = 0.0
    cursor: float = 0.0
    gone: float = 0.0


class News(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The end of a look: the keys that are known from now on, the events to tell, the next moment to look from."""

    cursor: float
    keys: tuple[Key, ...] = ()
    events: tuple[Event, ...] = ()
    anew: bool = False
    """The rule begins, and its agenda with it: what was known goes."""
    gone: float = 0.0


def key(uid: str) -> str:
    """The key of an event by its UID (RFC 5545), the same in every store."""
    return hashlib.sha256(uid.encode("utf-8", "replace")).hexdigest()[:24]
