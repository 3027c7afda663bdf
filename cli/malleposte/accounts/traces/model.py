"""A setting that somebody else may have left, or something of others that the account opens."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The kinds: of mailbox, webmails and meetings, two of the log-in page and the directory, then those of OTHERS."""

    FORWARD = "forward"
    """Mail is sent on, to `who`."""
    DISCARD = "discard"
    """Mail is deleted or refused unseen."""
    ANSWER = "answer"
    """Senders are answered."""
    FOLDER = "folder"
    """The mail folder `what` is open to `who`, an identifier of Dovecot's access lists."""
    AGENDA = "agenda"
    """SOGo's agenda or address book `what` (`Calendar/personal`) is open to `who`."""
    DELEGATE = "delegate"
    """`who` reads and writes in the owner's name in SOGo."""
    SENDERS = "senders"
    """The senders `who`, as far as they are named, are on the list `what` (`allowed`, `blocked`) of the mailbox."""
    SIGNATURE = "signature"
    """Messages from `what` end with the signature `who`."""
    SENDER = "sender"
    """Messages from `what` bear the name `who`. To remove it is to write the right name in `who`."""
    REPLY = "reply"
    """Answers to messages from `what` go to `who`."""
    COPY = "copy"
    """`who` gets a hidden copy of each message from `what`."""
    TOOL = "tool"
    """Messages are told to the tool `what` (its name, and its host) by the rule `who`."""
    MEETING = "meeting"
    """The meeting `what`, whose name is `who`, was called from the account: its letters go on once it sends again."""
    POLL = "poll"
    """So was the poll of dates `what`."""
    FACTOR = "factor"
    """The second factor `what`."""
    RECOVERY = "recovery"
    """The means of recovery `what` (`mail`, `phone`) changed of late."""
    BOX = "box"
    """The functional box of the address `what`, which has the name `who`, is open to the account."""
    THEIR_FOLDER = "their-folder"
    """The mail folder `what` of the agent `who` is open to the account."""
    THEIR_AGENDA = "their-agenda"
    """SOGo's agenda or address book `what` of the agent `who` is open to the account."""
    THEIR_MAIL = "their-mail"
    """The account reads and writes in the name of the agent `who` in SOGo."""


OTHERS = frozenset((Kind.BOX, Kind.THEIR_FOLDER, Kind.THEIR_AGENDA, Kind.THEIR_MAIL))
"""The kinds of what others opened to the account. It stays: a thief read it too, and its owners are to be told."""


@dataclass(frozen=True)
class Trace:
    """One setting."""

    kind: str
    what: str = ""
    who: str = ""

    @property
    def ident(self) -> str:
        """A name for it, which says nothing of it."""
        return hashlib.sha256("\0".join((self.kind, self.what, self.who)).encode()).hexdigest()[:16]
