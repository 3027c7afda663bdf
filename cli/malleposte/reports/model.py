"""A report as it is read, and the bounds of all that is in one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

DMARC, TLS = "dmarc", "tls"
DAY = 86_400
UNPACKED = 20 * 1024 * 1024
"""Bytes of the documents of one message, unpacked."""
DEPTH = 12
"""Elements one within the other."""
ROWS = 10_000
"""Rows of a report."""
TEXT = 255
"""Characters of a text that is read."""
COUNT = 100_000_000
"""Messages or sessions of a row."""
LONGEST_PERIOD = 40 * DAY
AHEAD = 2 * DAY
"""Seconds by which a period may end after now: clocks and time zones of others."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_DOMAIN = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")


class RefusedError(Exception):
    """A report that is not kept: what is wrong with it, and whose it claims to be."""

    def __init__(self, reason: str, organisation: str = "", report: str = "") -> None:
        """`organisation` and `report` as far as they were read."""
        super().__init__(reason)
        self.reason, self.organisation, self.report = reason, organisation, report


@dataclass(frozen=True)
class Head:
    """The head of a report. Kind, organisation and report id are its key; times are seconds since 1970."""

    kind: str
    organisation: str
    report: str
    domain: str
    begin: int
    end: int


@dataclass(frozen=True)
class Result:
    """The messages of one source that fared alike: whether DKIM and SPF were aligned, and what was done with them."""

    source: str
    disposition: str
    dkim: bool
    spf: bool
    header_from: str


@dataclass(frozen=True)
class Sessions:
    """TLS sessions of one policy that ended alike; `failure` is empty for those that succeeded."""

    policy: str
    failure: str
    server: str


@dataclass(frozen=True)
class DmarcReport:
    """An aggregate report, with the count of messages of each result."""

    head: Head
    results: Mapping[Result, int]


@dataclass(frozen=True)
class TlsReport:
    """A TLS report, with the count of sessions."""

    head: Head
    sessions: Mapping[Sessions, int]


Report = DmarcReport | TlsReport


def plain(text: str, longest: int = TEXT) -> str:
    """Return a text in one line without control characters, cut."""
    return _CONTROL.sub(" ", text.encode("utf-8", "replace").decode())[:longest].strip()


def domain(text: str) -> str:
    """Return the name of a domain in its one form, empty for none. Raises ValueError."""
    name = text.strip().lower().removesuffix(".")
    if len(name) > 253 or (name and not _DOMAIN.fullmatch(name)):
        raise ValueError(f"{plain(text, 60)!r} is no domain")
    return name


def below(name: str, own: str) -> bool:
    """Whether a name is our domain's, or below it."""
    return name == own or name.endswith(f".{own}")


def period(begin: int, end: int, now: float, days: int) -> None:
    """Refuse a period that cannot be, or that is too old to be kept for `days`. Raises ValueError."""
    if end < begin:
        raise ValueError("the period ends before it begins")
    if end - begin > LONGEST_PERIOD:
        raise ValueError(f"the period is longer than {LONGEST_PERIOD // DAY} days")
    if end > now + AHEAD:
        raise ValueError("the period ends in the future")
    if end < now - days * DAY:
        raise ValueError(f"the period ended more than {days} days ago")
