"""Lines of Postfix and Dovecot in the journal, as events. A line that is not known is none.

Postfix's lines are those of its daemons as of 3.10 (smtpd(8), cleanup(8), qmgr(8), lmtp(8), bounce(8)); Dovecot's are
LMTP's, of the Sieve interpreter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from malleposte.deliveries.model import State, plain

LONGEST_LINE = 4_000
"""Bytes of a line that is looked at."""


@dataclass(frozen=True)
class Arrived:
    """A message that a client brings: its address, and the log-in where there was one."""

    queue: str
    place: str
    user: str = ""


@dataclass(frozen=True)
class Identified:
    """The Message-ID of a message, without its angles."""

    queue: str
    message_id: str


@dataclass(frozen=True)
class Queued:
    """A message that is in the queue now: envelope sender and size in bytes."""

    queue: str
    sender: str
    size: int


@dataclass(frozen=True)
class Outcome:
    """An attempt to deliver: `to` as Postfix rewrote the recipient, `address` as it was given.

    `session` is LMTP's, as Dovecot names it in its answer.
    """

    queue: str
    address: str
    to: str
    state: State
    answer: str
    session: str = ""


@dataclass(frozen=True)
class Refused:
    """A recipient that was refused, or a message; `queue` is empty where it had none yet. `later`: not for good."""

    queue: str
    place: str
    sender: str
    address: str
    answer: str
    later: bool

    @property
    def known_recipient(self) -> bool:
        """Whether the answer leaves it open that the recipient exists (RFC 3463: 5.1.1 is a bad address)."""
        return "5.1.1" not in self.answer[:10]


@dataclass(frozen=True)
class Filtered:
    """An act of a box's filter in a session of LMTP: `state`, and the folder or the address."""

    session: str
    account: str
    state: State
    where: str


Event = Arrived | Identified | Queued | Outcome | Refused | Filtered
_QUEUE = r"(?P<queue>[0-9A-Za-z]{6,20})"
_CLIENT = r"[^\[\s]*\[(?P<place>[0-9a-fA-F.:]+)\]\S*"
_STATES = {"sent": State.LEFT, "deferred": State.DEFERRED, "bounced": State.BOUNCED, "expired": State.BOUNCED}
_ACTS = {
    "stored mail into mailbox": State.FILED,
    "forwarded to": State.REDIRECTED,
    "Marked message to be discarded": State.DISCARDED,
}


def _arrived(found: re.Match[str]) -> Event:
    return Arrived(found["queue"], found["place"], plain(found["user"] or ""))


def _identified(found: re.Match[str]) -> Event:
    return Identified(found["queue"], plain(found["id"]))


def _queued(found: re.Match[str]) -> Event:
    return Queued(found["queue"], plain(found["sender"]).lower(), int(found["size"]))


def _outcome(found: re.Match[str]) -> Event:
    state, answer = _STATES[found["status"]], plain(found["answer"])
    session = re.search(r"> (\S+) Saved$", answer) if state is State.LEFT else None
    given = found["orig"] or found["to"]
    return Outcome(
        found["queue"], plain(given).lower(), plain(found["to"]).lower(), state, answer, session[1] if session else ""
    )


def _returned(found: re.Match[str]) -> Event:
    return Outcome(found["queue"], "", "", State.BOUNCED, "expired")


def _refused(found: re.Match[str]) -> Event:
    queue = "" if found["queue"] == "NOQUEUE" else found["queue"]
    answer = plain(found["answer"])
    return Refused(
        queue, found["place"], plain(found["sender"]).lower(), plain(found["to"]).lower(), answer,
        answer.startswith("4"),
    )  # fmt: skip


_POSTFIX: tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str]], Event]], ...] = (
    ("status=", re.compile(
        rf"{_QUEUE}: to=<(?P<to>[^>]*)>,(?: orig_to=<(?P<orig>[^>]*)>,)? relay=.*"
        rf" status=(?P<status>{'|'.join(_STATES)})"
        r" \((?P<answer>.*)\)$"), _outcome),
    (" client=", re.compile(rf"{_QUEUE}: client={_CLIENT}(?:.*, sasl_username=(?P<user>[^,\s]+))?"), _arrived),
    (" message-id=", re.compile(rf"{_QUEUE}: message-id=<(?P<id>[^>]*)>"), _identified),
    ("nrcpt=", re.compile(rf"{_QUEUE}: from=<(?P<sender>[^>]*)>, size=(?P<size>\d+), nrcpt="), _queued),
    ("status=expired", re.compile(rf"{_QUEUE}: from=<[^>]*>, status=expired, returned"), _returned),
    ("reject: ", re.compile(
        rf"(?P<queue>NOQUEUE|[0-9A-Za-z]{{6,20}}): (?:milter-)?reject: \S+ from {_CLIENT}: (?P<answer>[45].*);"
        r" from=<(?P<sender>[^>]*)>,? to=<(?P<to>[^>]*)>"), _refused),
)  # fmt: skip
"""A part of the line that is quick to look for, its form, and what makes an event of it."""
_DOVECOT = re.compile(
    r"lmtp\((?P<account>[^)@]+)\)<\d+><(?P<session>[^>]+)>: (?:Info: )?sieve: msgid=.*: (?:\w+ action: )?"
    rf"(?P<act>{'|'.join(_ACTS)})(?: (?P<where>.*))?$"
)


def event(program: str, line: str) -> Event | None:
    """Return the event of a line of the journal; None where it is none. `program` is its SYSLOG_IDENTIFIER."""
    if len(line) > LONGEST_LINE:
        return None
    if program == "dovecot":
        found = _DOVECOT.match(line) if "sieve: " in line else None
        if found is None:
            return None
        where = (found["where"] or "").strip("'<>")
        return Filtered(found["session"], found["account"].lower(), _ACTS[found["act"]], plain(where))
    for part, form, make in _POSTFIX:
        if part in line and (match := form.match(line)):
            return make(match)
    return None


def events(lines: Iterator[tuple[str, str]]) -> Iterator[Event]:
    """Return the events of lines, each with its program."""
    for program, line in lines:
        if (one := event(program, line)) is not None:
            yield one
