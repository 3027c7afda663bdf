"""A retraction: the messages, the boxes in which they are, and how far it has come."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from malleposte.deliveries.model import Message
from malleposte.deliveries.retracted import Box, Copy


class Stage(StrEnum):
    """The stages of a retraction."""

    PLANNED = "planned"
    BEGUN = "begun"
    DONE = "done"
    TAKEN_BACK = "undone"


class Like(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Messages of one author and content that are like those of a retraction, and stay where they are.

    `alike` of 32 shingles are equal; 0: an equal part of a message without text.
    """

    alike: int
    messages: tuple[Message, ...]


class Retraction(msgspec.Struct, forbid_unknown_fields=True):
    """A retraction; `time` in seconds since 1970. `hosts`: hosts of links that the filter refuses too.

    `copies` are those that were there when it began, `left` those that could not be moved, `told` the accounts that had
    a copy read and got the note, `out` recipients whom a filter of a box passed it on to, outside, as
    `(account, address)`, `waiting` recipients for whom it is still in the queue, and `like` what an operator may add.
    """

    ident: str
    time: int
    by: str
    reason: str
    messages: list[Message]
    boxes: list[Box]
    hosts: list[str] = []
    contents: list[str] = []
    copies: list[Copy] = []
    left: list[Copy] = []
    told: list[str] = []
    out: list[tuple[str, str]] = []
    waiting: list[str] = []
    like: list[Like] = []
    failures: list[str] = []
    stage: Stage = Stage.PLANNED

    @property
    def readers(self) -> list[str]:
        """The accounts that had read a copy."""
        return sorted({one.uid for one in self.copies if one.seen})

    @property
    def holders(self) -> list[str]:
        """The accounts in whose boxes a copy was."""
        return sorted({one.uid for one in self.copies})
