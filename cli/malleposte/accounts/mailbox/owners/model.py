"""A message of a functional box with its owner, its end and its notes; labels that IMAP shows; orders; bounds."""

from __future__ import annotations

from enum import StrEnum

import msgspec

TAKEN, DONE = "prisencharge", "traite"
"""The labels of a message that somebody took, and of one that is done. A delegate sets them from any program."""
BY = "pris-"
"""The beginning of the label that names the owner: the uid follows."""
ANSWERED = "\\Answered"
LONGEST_LABEL = 50
"""Characters of a label (Dovecot's mail_max_keyword_length). An owner with a longer one is named on the page alone."""
LONGEST_NOTE = 1000
MOST_OF_A_MESSAGE, MOST_OF_AN_AGENT, MOST_OF_A_BOX = 10, 500, 2000
"""Notes of a message, of an agent in a box, of a box."""
MOST_SHOWN = 100
"""Messages that a page shows, the oldest."""
MOST_SEEN = 500
"""Messages that one look at a box brings in line; the next one goes on."""
MOST_RECORDS = 20_000
"""Messages of a box of which something is known at a time."""
KEEP_DONE = 90 * 86_400.0
"""Seconds after which a message that is done, and has no note, is known by its label alone."""


class Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A note to colleagues; `at` in seconds since 1970."""

    ident: str
    by: str
    at: float
    text: str


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The state of a message. `done`: the time of its end, by `by` (empty where nobody is known); times since 1970.

    `again`: it was opened again, so that the answers that there are do not end it.
    """

    message_id: str = ""
    subject: str = ""
    owner: str = ""
    since: float = 0.0
    done: float = 0.0
    by: str = ""
    again: bool = False
    notes: tuple[Note, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether it says nothing."""
        return not (self.owner or self.done or self.again or self.notes)

    def labels(self) -> set[str]:
        """The labels that the message bears by it."""
        labels = {DONE} if self.done else {TAKEN} if self.owner else set()
        if self.owner and len(BY + self.owner) <= LONGEST_LABEL:
            labels.add(BY + self.owner)
        return labels

    def of(self, delegates: frozenset[str]) -> Record:
        """Return it without an owner who is no delegate any more, unless it is done."""
        gone = self.owner and self.owner not in delegates and not self.done
        return msgspec.structs.replace(self, owner="", since=0.0) if gone else self

    def taken(self, agent: str, now: float) -> Record:
        """Return it with an owner. It stays as it is where somebody else has it, or where it is done."""
        if self.owner or self.done:
            return self
        return msgspec.structs.replace(self, owner=agent, since=now)

    def given_back(self, agent: str, *, manager: bool = False) -> Record:
        """Return it without its owner, where that is the agent or the agent manages the box."""
        if self.done or (self.owner != agent and not manager):
            return self
        return msgspec.structs.replace(self, owner="", since=0.0)

    def ended(self, agent: str, now: float) -> Record:
        """Return it done; who did it owns it."""
        if self.done:
            return self
        owner = agent or self.owner
        since = self.since if owner == self.owner else now
        return msgspec.structs.replace(self, owner=owner, since=since, done=now, by=agent, again=False)

    def reopened(self, agent: str, now: float) -> Record:
        """Return it not done: its owner goes on, or the agent where it had none."""
        if not self.done:
            return self
        owner, since = (self.owner, self.since) if self.owner else (agent, now)
        return msgspec.structs.replace(self, owner=owner, since=since, done=0.0, by="", again=True)


def own_label(label: str) -> bool:
    """Whether a label is one of these."""
    return label.lower() in (TAKEN, DONE) or label.lower().startswith(BY)


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Flags that a delegate (`uid`) changed on a message of a box: `changed`, and those of them that it bears (`set`).

    `folder` is the box's own name of it.
    """

    uid: str
    box: str
    folder: str
    message_id: str
    changed: tuple[str, ...]
    set: tuple[str, ...]
    at: float


class Act(StrEnum):
    """What a delegate does with a message on the page."""

    TAKE = "take"
    GIVE = "give"
    DONE = "done"
    REOPEN = "reopen"
    NOTE = "note"
    ERASE = "erase"


class Refused(StrEnum):
    """The reason for which a delegate's act changes nothing."""

    GONE = "gone"
    """The message is not in the inbox any more."""
    TAKEN = "taken"
    """Another delegate has it."""
    FULL = "full"
    """There are too many notes."""
    NOTE = "note"
    """The note is empty or too long."""


class RefusedError(Exception):
    """An act that changes nothing."""

    def __init__(self, reason: Refused) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An act of an agent on a message, which is known by its number in the inbox and its key.

    `text` is a note's, or the identifier of one to erase. `manager`: the agent manages the box.
    """

    agent: str
    act: Act
    number: int
    key: str
    text: str = ""
    manager: bool = False


class Mail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message of the box's inbox as it is shown; times in seconds since 1970."""

    number: int
    key: str
    sender: str
    subject: str
    received: float
    owner: str = ""
    since: float = 0.0
    notes: int = 0


class Shown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A box: whether its mail has owners, since when, what waits for an answer; `more`: and others.

    `notes` are those of the message that was asked for, `owner` the owner of the one that was changed. `refused`: the
    reason for which nothing was changed (`Refused`).
    """

    allowed: bool = False
    since: float = 0.0
    mails: tuple[Mail, ...] = ()
    more: bool = False
    notes: tuple[Note, ...] = ()
    owner: str = ""
    refused: str = ""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A box whose mail has owners: mail that came since then. `looked`: when its sent mail was looked at."""

    since: float
    looked: float = 0.0
