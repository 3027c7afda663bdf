"""The events of a record. What is the same but for its time is one row: first time, last time, how often."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Generic, TypeVar

from malleposte.platform.identity import is_uid

LONGEST = 120
"""Characters of a text of an event; what is longer is cut."""
LONGEST_PROGRAM = 40
PASSWORD, WAIT, CLOSED, EXPIRED, NETWORK = "password", "wait", "closed", "expired", "network"
"""Reasons of a refused log-in: a wrong password; too many tries; no log-in for this account, or not by this way; a
password past its end; the right password of a device, from outside its networks."""
PAGE = "page"
"""The service of a log-in at the log-in page; the others are Dovecot's names of protocols, and `dav`."""
WEBMAIL = "webmail"
"""The program of a log-in by a token."""
IN, OUT = "in", "out"
_SYMBOLS = {
    "CLAM_VIRUS": "virus",
    "MP_WAVE": "wave",
    "MP_ATTACHMENT_REFUSED": "attachment",
    "MP_SENDER_FORGED": "forged",
    "MP_OUTBOUND_HOLD": "many",
    "MP_MANY_PARTS": "structure",
    "MP_DEEP_PARTS": "structure",
    "MP_LARGE_HEADER": "structure",
    "DMARC_POLICY_REJECT": "dmarc",
}
_NAME = re.compile(r'"name"\s+"([^"\\]+)"', re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class LogIn:
    """A log-in: by which service, from which address, by which program or device (its identifier), refused why."""

    account: str
    accepted: bool
    service: str
    place: str = ""
    program: str = ""
    device: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Refusal:
    """A message that the filter refused or held: `in` or `out`, the address at the other end, why."""

    account: str
    way: str
    other: str
    reason: str


Event = LogIn | Refusal
KINDS: Mapping[str, type[LogIn] | type[Refusal]] = {"logins": LogIn, "refusals": Refusal}


E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class Seen(Generic[E]):  # noqa: UP046  # msgspec 0.19 reads no type parameters of this form in annotations kept as text
    """An event with its first and last time (seconds since 1970), and how often it was."""

    event: E
    first: int
    last: int
    count: int = 1


@dataclass(frozen=True)
class Kept:
    """The record about an account, newest first. `used_mb` and `quota_mb` of its box where it is held, or 0."""

    logins: tuple[Seen[LogIn], ...] = ()
    refusals: tuple[Seen[Refusal], ...] = ()
    used_mb: int = 0
    quota_mb: int = 0

    def also(self, other: Kept) -> Kept:
        """With what another host has."""
        return Kept(
            tuple(sorted((*self.logins, *other.logins), key=lambda one: -one.last)),
            tuple(sorted((*self.refusals, *other.refusals), key=lambda one: -one.last)),
            self.used_mb or other.used_mb,
            self.quota_mb or other.quota_mb,
        )

    def last_log_in(self) -> Seen[LogIn] | None:
        """The last log-in that was accepted; None where none is known."""
        return next((one for one in self.logins if one.event.accepted), None)


@dataclass
class Tally:
    """Events with their counts, before they are kept."""

    events: dict[Event, Seen[Any]] = field(default_factory=dict)

    def add(self, event: Event, now: int) -> None:
        """One more."""
        before = self.events.get(event)
        self.events[event] = Seen(event, before.first, now, before.count + 1) if before else Seen(event, now, now)


def event(kind: str, values: Mapping[str, Any]) -> Event:
    """The event of a message. Raises ValueError on what is none, or names no account."""
    if kind not in KINDS:
        raise ValueError("no such kind of event")
    types = {one.name: one for one in fields(KINDS[kind])}
    if unknown := set(values) - types.keys():
        raise ValueError(f"{sorted(unknown)[0]} is not a field of {kind}")
    checked: dict[str, Any] = {}
    for name, value in values.items():
        right = bool if name == "accepted" else str
        if not isinstance(value, right):
            raise ValueError(f"{name} is not of its type")
        checked[name] = plain(value) if isinstance(value, str) else value
    try:
        noted = KINDS[kind](**checked)
    except TypeError as error:
        raise ValueError("a field is missing") from error
    if not is_uid(noted.account):
        raise ValueError("it names no account")
    return noted


def plain(text: str, longest: int = LONGEST) -> str:
    """A text without what no person reads, and not too long."""
    return _CONTROL.sub(" ", text.encode("utf-8", "replace").decode())[:longest].strip()


def program(said: str) -> str:
    """The program's name in what a client said of itself before its log-in (IMAP's ID, RFC 2971); empty for none."""
    match = _NAME.search(said)
    return plain(match[1], LONGEST_PROGRAM) if match else ""


def reason(symbols: Sequence[str]) -> str:
    """A word for the reason of a refused message, by rspamd's symbols of it."""
    return next((word for symbol, word in _SYMBOLS.items() if symbol in symbols), "spam")
