"""A retraction: the messages, the boxes in which they are, and how far it has come."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from malleposte.accounts.agreement import Agreement
from malleposte.deliveries.model import Message, Query
from malleposte.deliveries.retracted import Box, Copy


class Stage(StrEnum):
    """The stages of a retraction."""

    ASKED = "asked"
    """Its plan is not made yet."""
    PLANNED = "planned"
    BEGUN = "begun"
    DONE = "done"
    TAKEN_BACK = "undone"


class Order(StrEnum):
    """An order of the DSI's page that is not carried out yet."""

    NONE = ""
    PLAN = "plan"
    TAKE = "take"
    GIVE_BACK = "give_back"


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
    `agreement` is None where an operator's command made it, which asks nobody; else `query` is what it looks for,
    `order` what is to be done, and `decided` when as many persons agreed as must.
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
    agreement: Agreement | None = None
    decided: int = 0
    query: Query | None = None
    order: Order = Order.NONE

    @property
    def readers(self) -> list[str]:
        """The accounts that had read a copy."""
        return sorted({one.uid for one in self.copies if one.seen})

    @property
    def holders(self) -> list[str]:
        """The accounts in whose boxes a copy was."""
        return sorted({one.uid for one in self.copies})
