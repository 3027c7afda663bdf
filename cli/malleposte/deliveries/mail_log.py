"""Lines of Postfix and Dovecot in the journal, as events. A line that is not known is none.

Postfix's lines are those of its daemons as of 3.10 (smtpd(8), cleanup(8), qmgr(8), lmtp(8), bounce(8)); Dovecot's are
LMTP's, of the Sieve interpreter.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass

from malleposte.deliveries.model import State, plain
from malleposte.platform import identity

LONGEST_LINE = 4_000
"""Characters of a line that is looked at."""
LMTP = "postfix/lmtp"
"""The program that brings messages to boxes, and to lists under these domains."""
LISTS = ("lists.", "submitted.lists.")


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

    `account` is a box of ours, which LMTP delivers to; `session` is LMTP's, as Dovecot names it in its answer.
    """

    queue: str
    address: str
    to: str
    state: State
    answer: str
    account: str = ""
    session: str = ""


@dataclass(frozen=True)
class Refused:
    """A recipient that was refused, or the whole message; `queue` is empty where it had none yet.

    `later`: not for good.
    """

    queue: str
    place: str
    sender: str
    address: str
    answer: str
    later: bool
    whole: bool = False

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
_IDENT = r"[0-9A-HJ-NP-TV-Zb-df-hj-np-tv-z]{6,20}"
"""The letters of short and long queue ids, which make no word such as "warning"."""
_QUEUE = rf"(?P<queue>{_IDENT})"
_CLIENT = r"[^\[\s]*\[(?P<place>[0-9a-fA-F.:]+)\]\S*"
_ADDRESS = r'(?:[^<>"\\]|"[^<>"\\]*")*'
"""An address that cannot end its field, whatever its sender quoted in it. Lines with another are no events."""
_STATES = {"sent": State.LEFT, "deferred": State.DEFERRED, "bounced": State.BOUNCED}
_SAVED = re.compile(r"> (\S+) Saved$")
_ENVELOPE = "; from=<"


def _arrived(match: re.Match[str]) -> Event:
    return Arrived(match["queue"], match["place"], plain(match["user"] or ""))


def _identified(match: re.Match[str]) -> Event:
    return Identified(match["queue"], plain(match["id"]))


def _queued(match: re.Match[str]) -> Event:
    return Queued(match["queue"], plain(match["sender"]).lower(), int(match["size"]))


def _outcome(match: re.Match[str]) -> Event:
    state, answer, to = _STATES[match["status"]], plain(match["answer"]), plain(match["to"]).lower()
    saved = _SAVED.search(match["answer"]) if state is State.LEFT else None
    return Outcome(match["queue"], plain(match["orig"] or to).lower(), to, state, answer, "", saved[1] if saved else "")


def _of_box(one: Outcome, program: str) -> Outcome:
    """An attempt with its account, where it was at a box of ours; the answer of another server names no session."""
    uid, _at, domain = one.to.rpartition("@")
    uid = uid.partition("+")[0]
    if program == LMTP and not domain.startswith(LISTS) and identity.is_uid(uid):
        return dataclasses.replace(one, account=uid)
    return dataclasses.replace(one, session="")


def _returned(match: re.Match[str]) -> Event:
    return Outcome(match["queue"], "", "", State.BOUNCED, "expired")


def _refused(match: re.Match[str]) -> Event | None:
    """The refusal of a line; None where the client has written a part of it (its HELO, an address in quotes)."""
    if match.string.count(_ENVELOPE) > 1:
        return None
    queue, answer = match["queue"], plain(match["answer"])
    return Refused(
        "" if queue == "NOQUEUE" else queue, match["place"], plain(match["sender"]).lower(),
        plain(match["to"]).lower(), answer, answer.startswith("4"),
        match["step"] != "RCPT",
    )  # fmt: skip


_POSTFIX: tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str]], Event | None]], ...] = (
    ("status=", re.compile(
        rf"{_QUEUE}: to=<(?P<to>{_ADDRESS})>,(?: orig_to=<(?P<orig>{_ADDRESS})>,)? relay=[^,\s]+,"
        rf"(?: [a-z_]+=[^,\s]+,)* status=(?P<status>{'|'.join(_STATES)}) \((?P<answer>.*)\)$"), _outcome),
    (" client=", re.compile(rf"{_QUEUE}: client={_CLIENT}(?:.*, sasl_username=(?P<user>[^,\s]+))?"), _arrived),
    (" message-id=", re.compile(rf"{_QUEUE}: message-id=<(?P<id>[^>]*)>"), _identified),
    ("nrcpt=", re.compile(rf"{_QUEUE}: from=<(?P<sender>{_ADDRESS})>, size=(?P<size>\d{{1,12}}), nrcpt="), _queued),
    ("expired, returned", re.compile(rf"{_QUEUE}: from=<{_ADDRESS}>, status=(?:force-)?expired, returned"), _returned),
    ("reject: ", re.compile(
        rf"(?P<queue>NOQUEUE|{_IDENT}): (?:milter-)?reject: (?P<step>\S+) from {_CLIENT}: (?P<answer>[45].*)"
        rf"{_ENVELOPE}(?P<sender>{_ADDRESS})>,? to=<(?P<to>{_ADDRESS})>"), _refused),
)  # fmt: skip
"""A part of the line that is quick to look for, its form, and what makes an event of it."""
_DOVECOT = re.compile(
    r"lmtp\((?P<account>[^)@\s]+)\)<\d+><(?P<session>[^>\s]+)>: (?:Info: )?sieve: "
    r"msgid=(?:<[^<>\s]*>|<[^<>\s]{60,}\.\.\.|unspecified|[^<\s:]+): (?:\w+ action: )?"
    r"(?:stored mail into mailbox '(?P<folder>.*)'|forwarded to <(?P<address>[^<>\s]*)>"
    r"|(?P<discarded>Marked message to be discarded)\b.*)$"
)
"""A Message-ID has no blank (a long one is cut): one that imitates the rest of a line is no event."""


def _filtered(match: re.Match[str]) -> Filtered:
    state = State.FILED if match["folder"] is not None else State.REDIRECTED
    state = State.DISCARDED if match["discarded"] else state
    where = plain(match["folder"] or match["address"] or "")
    return Filtered(match["session"], match["account"].lower(), state, where)


def event(program: str, line: str) -> Event | None:
    """Return the event of a line of the journal; None where it is none. `program` is its SYSLOG_IDENTIFIER."""
    if len(line) > LONGEST_LINE:
        return None
    if program == "dovecot":
        match = _DOVECOT.match(line) if "sieve: " in line else None
        return _filtered(match) if match else None
    for part, form, make in _POSTFIX:
        if part in line and (match := form.match(line)):
            one = make(match)
            return _of_box(one, program) if isinstance(one, Outcome) else one
    return None
