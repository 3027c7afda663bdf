"""The parts of the index of deliveries: messages, what became of each for each recipient, and questions."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec

from malleposte.core.errors import InputError

LONGEST = 200
"""Characters of a text."""
MOST_RECIPIENTS, MOST_MARKS = 200, 20
"""Recipients of a message that are indexed; its words, hosts of links and parts."""
BOUNCES = "bounces"
"""The role in the envelope's sender of what a list brings: NAME-bounces@."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class State(StrEnum):
    """The state of a message for one recipient."""

    WAITING = "waiting"
    """In the queue: nothing is known yet."""
    FILED = "filed"
    """In a folder of a box of ours."""
    LEFT = "left"
    """Taken by another server."""
    DEFERRED = "deferred"
    """Tried in vain; Postfix tries again."""
    BOUNCED = "bounced"
    """Given up: its sender was told."""
    REFUSED = "refused"
    """Never accepted: the server that brought it was told."""
    LATER = "later"
    """Put off at the door; an honest server tries again."""
    HELD = "held"
    """Held in the queue for the DSI."""
    REDIRECTED = "redirected"
    """Passed on by a filter of the box's owner, nothing kept."""
    DISCARDED = "discarded"
    """Thrown away by a filter of the box's owner."""
    RETRACTED = "retracted"
    """Taken out of the box by the DSI."""


class Verdict(StrEnum):
    """The decision of the filter on a message."""

    CLEAN = ""
    JUNK = "junk"
    QUARANTINE = "quarantine"
    HELD = "held"
    LATER = "later"
    REFUSED = "refused"


FINAL = frozenset(State) - {State.WAITING, State.DEFERRED, State.LATER, State.HELD}
"""The states after which nothing more is tried."""


class Recipient(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A recipient of a message. `account` is a uid, where the box is ours; `folder` where it was filed.

    `detail`: the answer of a server, the address of a redirection, or the reason of a refusal; `time` in seconds since
    1970.
    """

    address: str
    account: str = ""
    state: State = State.WAITING
    folder: str = ""
    detail: str = ""
    time: int = 0

    def as_sent(self) -> Recipient:
        """Return what a sender may know of it: the filters and folders of a box are its owner's."""
        if not self.account or self.state not in (State.FILED, State.REDIRECTED, State.DISCARDED, State.RETRACTED):
            return self
        return msgspec.structs.replace(self, state=State.FILED, folder="", detail="")


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message. `sender` is of the envelope, `author` of From; `account` is a sender's of ours, `place` a client's.

    `reason` is a word for the filter's verdict, `content` a digest of all parts, empty where they say little. `alike`:
    how many of 32 shingles are equal, where likeness is asked for. Times in seconds since 1970.
    """

    queue: str
    time: int
    sender: str = ""
    author: str = ""
    account: str = ""
    place: str = ""
    message_id: str = ""
    size: int = 0
    verdict: Verdict = Verdict.CLEAN
    reason: str = ""
    recipients: tuple[Recipient, ...] = ()
    content: str = ""
    alike: int = 0

    def shown_to(self, uid: str) -> Message:
        """Return what its sender or one of its recipients may know of it: others' copies are theirs."""
        if self.account == uid:
            all_ = tuple(one if one.account == uid else one.as_sent() for one in self.recipients)
            return msgspec.structs.replace(self, recipients=all_)
        own = tuple(one for one in self.recipients if one.account == uid)
        return msgspec.structs.replace(self, recipients=own, place="")

    @property
    def refused(self) -> bool:
        """Whether it was never accepted."""
        return self.verdict in (Verdict.REFUSED, Verdict.LATER)


class Seen(msgspec.Struct, forbid_unknown_fields=True):
    """The filter's words on a message, as `deliveries.lua` sends them. `prints`: shingles, as decimal numbers."""

    queue: str
    action: str
    sender: str = ""
    author: str = ""
    user: str = ""
    place: str = ""
    message_id: str = ""
    subject: str = ""
    size: int = 0
    symbols: list[str] = []
    recipients: list[str] = []
    hosts: list[str] = []
    parts: list[str] = []
    content: str = ""
    prints: list[str] = []


class Likeness(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Marks of the texts of messages, and of the parts of those that have no text (`likeness`)."""

    MOST_TEXTS: ClassVar[int] = 8
    MOST_PARTS: ClassVar[int] = 20
    prints: Annotated[tuple[Annotated[bytes, msgspec.Meta(max_length=256)], ...], msgspec.Meta(max_length=8)] = ()
    parts: Annotated[tuple[str, ...], msgspec.Meta(max_length=20)] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to compare."""
        return bool(self.prints or self.parts)


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question: everything that is not empty must be true of a message. Times in seconds since 1970.

    `sender`: an address or a domain (`@example.org`), of the envelope or of From. `recipient`: an address or a uid.
    `word`: words of the subject. `host`: a host of a link, or a domain above it. `about`: messages from or to that uid.
    `like`: messages of which the text is like one of these.
    """

    since: int = 0
    until: int = 0
    sender: str = ""
    recipient: str = ""
    message_id: str = ""
    word: str = ""
    host: str = ""
    queue: str = ""
    about: str = ""
    most: int = 50
    like: Likeness = Likeness()

    def checked(self) -> Query:
        """Return it, as the index compares it. Raises InputError where it asks for everything."""
        one = msgspec.structs.replace(
            self,
            sender=self.sender.strip().lower(),
            recipient=self.recipient.strip().lower(),
            message_id=plain(self.message_id).strip("<>"),
            host=self.host.strip().lower().strip("."),
            most=max(1, min(self.most, 10_000)),
        )
        if not any(
            (one.sender, one.recipient, one.message_id, one.word.strip(), one.host, one.queue, one.about, one.like)
        ):
            raise InputError(
                "a trace needs a sender, a recipient, a word of the subject, a Message-ID or a link",
                "say at least one of them",
            )
        return one


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Messages, newest first. `since`: the time of which the index knows; `left_out`: messages that it had no room for.

    `more`: there are others.
    """

    messages: tuple[Message, ...] = ()
    since: int = 0
    left_out: int = 0
    more: bool = False


def plain(text: str, longest: int = LONGEST) -> str:
    """Return a text without what no person reads, and not too long."""
    return _CONTROL.sub(" ", text.encode("utf-8", "replace").decode())[:longest].strip()
