"""The words of the filter and of the journals on one message, brought together until it is written."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from malleposte.deliveries import digests, likeness
from malleposte.deliveries.conditions import HOST, PART, SENDER_DOMAIN, WORD
from malleposte.deliveries.mail_log import Arrived, Event, Filtered, Identified, Outcome, Queued, Refused
from malleposte.deliveries.model import (
    LONGEST,
    MOST_MARKS,
    MOST_RECIPIENTS,
    Message,
    Recipient,
    Seen,
    State,
    Verdict,
    plain,
)
from malleposte.deliveries.store import IndexedMessage
from malleposte.throttle.record import model as record

MOST = 20_000
"""Messages that may wait for a write, and sessions of LMTP of which the end is awaited."""
_VERDICTS = {
    "reject": Verdict.REFUSED,
    "discard": Verdict.REFUSED,
    "soft reject": Verdict.LATER,
    "greylist": Verdict.LATER,
    "add header": Verdict.JUNK,
    "rewrite subject": Verdict.JUNK,
}
_STATES = {Verdict.REFUSED: State.REFUSED, Verdict.LATER: State.LATER, Verdict.HELD: State.HELD}
HOLDS, APART = "MP_OUTBOUND_HOLD", "MP_QUARANTINE"


@dataclass
class Parts:
    """The news of a message."""

    message: Message
    recipients: dict[str, Recipient] = field(default_factory=dict)
    marks: dict[tuple[str, str | bytes], None] = field(default_factory=dict)
    prints: bytes = b""
    expired: bool = False

    def in_store_form(self) -> IndexedMessage:
        """Return it in the store's form."""
        message = msgspec.structs.replace(self.message, recipients=tuple(self.recipients.values()))
        return IndexedMessage(message, tuple(self.marks), self.prints, self.expired)


class Join:
    """Messages until they are taken. Accounts of recipients are given with what the filter says."""

    def __init__(self, key: bytes) -> None:
        """`key` is that of the digests of words."""
        self.key = key
        self.waiting: dict[str, Parts] = {}
        self.refused: list[Parts] = []
        self.sessions: OrderedDict[str, list[Filtered]] = OrderedDict()
        self.dropped = 0

    def take(self) -> list[IndexedMessage]:
        """Return what is new, which is not told again."""
        parts, self.waiting, self.refused = [*self.waiting.values(), *self.refused], {}, []
        return [one.in_store_form() for one in parts]

    def _of(self, queue: str, now: int) -> Parts | None:
        """The parts of a message, which may be new."""
        if queue not in self.waiting:
            if len(self.waiting) + len(self.refused) >= MOST:
                self.dropped += 1
                return None
            self.waiting[queue] = Parts(Message(queue, now))
        return self.waiting[queue]

    # --- the filter ---

    def see(self, seen: Seen, account: str, accounts: dict[str, str], now: int) -> None:
        """Note what the filter says. `account` is the sender's, `accounts` those of recipients by address."""
        parts = self._of(seen.queue, now) if seen.queue else None
        if parts is None:
            return
        verdict = Verdict.HELD if HOLDS in seen.symbols else _VERDICTS.get(seen.action, Verdict.CLEAN)
        if verdict in (Verdict.CLEAN, Verdict.JUNK) and APART in seen.symbols:
            verdict = Verdict.QUARANTINE
        reason = record.reason(seen.symbols) if verdict is not Verdict.CLEAN else ""
        sender, author = plain(seen.sender).lower(), plain(seen.author).lower()
        before = parts.message
        parts.message = msgspec.structs.replace(
            before, sender=sender, author=author, account=account or before.account, verdict=verdict, reason=reason,
            place=plain(seen.place) or before.place, size=seen.size or before.size,
            message_id=plain(seen.message_id).strip("<>") or before.message_id,
            content=plain(seen.content),
        )  # fmt: skip
        for text in seen.recipients[:MOST_RECIPIENTS]:
            address = plain(text).lower()
            state = _STATES.get(verdict, State.WAITING)
            one = Recipient(address, accounts.get(address, ""), state, "", reason, now)
            parts.recipients[address] = _with_account(parts.recipients.get(address, one), one.account)
        marks: list[tuple[str, str | bytes]] = [(WORD, word) for word in digests.keyed(self.key, seen.subject)]
        marks += [(HOST, name) for host in seen.hosts[:MOST_MARKS] for name in with_parents(plain(host).lower())]
        marks += [(PART, plain(part)) for part in seen.parts[:MOST_MARKS]]
        parts.prints = likeness.whole(b"".join(_number(one) for one in seen.prints[: likeness.COMPARED]))
        marks += [(likeness.PRINT, one) for one in likeness.marks(parts.prints)]
        parts.marks |= dict.fromkeys(marks) | _domain(sender) | _domain(author)

    # --- the journals ---

    def note(self, event: Event, now: int, account: str = "") -> None:
        """Note an event of the journals. `account` is that of a refused recipient, or of the client's log-in."""
        if isinstance(event, Filtered):
            self.sessions.setdefault(event.session, []).append(event)
            while len(self.sessions) > MOST:
                self.sessions.popitem(last=False)
        elif isinstance(event, Refused) and not event.queue:
            self._refuse(event, now, account)
        elif (parts := self._of(event.queue, now)) is not None:
            self._add(parts, event, now, account)

    def _add(self, parts: Parts, event: Event, now: int, account: str) -> None:
        message = parts.message
        if isinstance(event, Arrived):
            whose = account or message.account
            parts.message = msgspec.structs.replace(message, place=event.place, account=whose)
        elif isinstance(event, Identified):
            parts.message = msgspec.structs.replace(message, message_id=event.message_id)
        elif isinstance(event, Queued):
            parts.message = msgspec.structs.replace(message, sender=event.sender, size=event.size)
            parts.marks |= _domain(event.sender)
        elif isinstance(event, Refused):
            verdict = message.verdict
            if event.whole:
                verdict = verdict or (Verdict.LATER if event.later else Verdict.REFUSED)
            parts.message = msgspec.structs.replace(message, sender=event.sender, place=event.place, verdict=verdict)
            parts.marks |= _domain(event.sender)
            recipient = parts.recipients.get(event.address)
            if recipient is None or recipient.state is State.WAITING:
                parts.recipients[event.address] = _refused(event, account, now)
        elif isinstance(event, Outcome):
            if not event.address:
                parts.expired = True
            else:
                before = parts.recipients.get(event.address)
                one = self._outcome(event, now)
                parts.recipients[event.address] = _with_account(one, before.account if before else "")

    def _outcome(self, event: Outcome, now: int) -> Recipient:
        """The end of a message for one recipient; in a box of ours, the filter of its owner said more."""
        if not event.session:
            return Recipient(event.address, event.account, event.state, "", event.answer, now)
        acts = [one for one in self.sessions.pop(event.session, []) if one.account == event.account]
        folder = next((one.where for one in acts if one.state is State.FILED), "")
        passed_on = ", ".join(one.where for one in acts if one.state is State.REDIRECTED)
        filed = folder or not acts
        state = State.FILED if filed else State.REDIRECTED if passed_on else State.DISCARDED
        return Recipient(event.address, event.account, state, folder, plain(passed_on, 10 * LONGEST), now)

    def _refuse(self, event: Refused, now: int, account: str) -> None:
        """A recipient that was refused before there was a message."""
        if len(self.waiting) + len(self.refused) >= MOST:
            self.dropped += 1
            return
        verdict = Verdict.LATER if event.later else Verdict.REFUSED
        message = Message("", now, sender=event.sender, place=event.place, verdict=verdict)
        parts = Parts(message, {event.address: _refused(event, account, now)})
        parts.marks |= _domain(event.sender)
        self.refused.append(parts)


def _domain(address: str) -> dict[tuple[str, str | bytes], None]:
    """The mark of a sender's domain; none for an empty address."""
    domain = address.rpartition("@")[2]
    return {(SENDER_DOMAIN, domain): None} if domain else {}


def _with_account(one: Recipient, account: str) -> Recipient:
    """It, with the account that another source knows."""
    return one if one.account or not account else msgspec.structs.replace(one, account=account)


def _refused(event: Refused, account: str, now: int) -> Recipient:
    state = State.LATER if event.later else State.REFUSED
    return Recipient(event.address, account, state, "", event.answer, now)


def with_parents(host: str) -> Iterable[str]:
    """Return a host and the domains above it that have a dot."""
    labels = host.strip(".").split(".")[-6:]
    return [".".join(labels[number:]) for number in range(max(1, len(labels) - 1))]


def _number(text: str) -> bytes:
    """A shingle, as eight bytes; none for what is no number."""
    try:
        return (int(text) & (2**64 - 1)).to_bytes(8, "big")
    except ValueError:
        return b""
