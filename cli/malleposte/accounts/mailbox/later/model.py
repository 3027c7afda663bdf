"""The parts of « À envoyer »: an agent's choice, an order as it is written down, what becomes of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from malleposte.core.errors import InputError

LATE = 86_400.0
"""Seconds after its hour at which a message does not go any more unless its owner says so."""
MOST, AT_ONCE, BURST = 200, 10, 60.0
"""Orders of an account that may be open; those within `BURST` seconds beyond which all of them wait."""
MOST_A_DAY = 300
"""Orders of an account within a day."""
MOST_RECIPIENTS = 1000
"""Recipients of a message: those that the mail server takes of one at submission."""


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The choice of an agent: whether « À envoyer » sends."""

    on: bool = False


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The owner's act: a message laid into a folder, to go at `due`. Times in seconds since 1970.

    `file` is the name of the message's file in the folder, without its flags: a copy of the message has another.
    """

    uid: Annotated[str, msgspec.Meta(max_length=64)]
    folder: Annotated[str, msgspec.Meta(max_length=200)]
    file: Annotated[str, msgspec.Meta(max_length=250)]
    digest: Annotated[str, msgspec.Meta(max_length=64)]
    message_id: Annotated[str, msgspec.Meta(max_length=250)]
    subject: Annotated[str, msgspec.Meta(max_length=200)]
    laid: float
    due: float


class State(StrEnum):
    """The state of an order."""

    ORDERED = "ordered"
    """Goes at its hour."""
    SUBMITTING = "submitting"
    """Is being handed to the mail server, or was when something ended: looked for before anything else."""
    SENT = "sent"
    """The mail server took it; it is still in its folder."""
    FILED = "filed"
    """Sent, and in « Envoyés »."""
    WAITS = "waits"
    """Does not go unless its owner says so."""
    CANCELLED = "cancelled"
    """Moved or deleted by its owner before its hour."""


OPEN = (State.ORDERED, State.SUBMITTING, State.SENT, State.WAITS)


class Reason(StrEnum):
    """The reason for which a message waits."""

    NONE = ""
    REFUSED = "refused"
    """The mail server refused it; its words are the detail."""
    BLOCKED = "blocked"
    """The account may not send."""
    AUTHOR = "author"
    """No author, or several."""
    RECEIVED = "received"
    """The message came from elsewhere."""
    RECIPIENTS = "recipients"
    """None, or one that cannot be read."""
    CROWD = "crowd"
    """More recipients than a message may have."""
    MANY = "many"
    """More messages at once than a person lays down."""
    AGAIN = "again"
    """The message was sent before."""
    LATE = "late"
    """Its hour is long past."""
    OFF = "off"
    """The agent turned « À envoyer » off."""
    BROKEN = "broken"
    """Its file cannot be read."""


class Row(msgspec.Struct, frozen=True):
    """An order in the ledger. `again`: when it is looked at next; `forced`: its owner said to send it after all."""

    id: str
    uid: str
    folder: str
    file: str
    digest: str
    message_id: str
    subject: str
    laid: float
    due: float
    state: State
    reason: Reason
    detail: str
    again: float
    tries: int
    forced: bool
    queue: str


class Waiting(msgspec.Struct, frozen=True):
    """A message of « À envoyer » as its owner is shown it. Without an `id` no order was given, and it does not go.

    `due` in seconds since 1970; 0 where the hour may not be told.
    """

    folder: str
    subject: str = ""
    id: str = ""
    due: float = 0.0
    reason: str = ""
    detail: str = ""


class Shown(msgspec.Struct, frozen=True):
    """The choice of an agent, and the messages in « À envoyer »."""

    choice: Choice = Choice()
    messages: tuple[Waiting, ...] = ()


def loaded(text: str | bytes) -> Choice:
    """The choice of a file. Raises InputError."""
    try:
        return msgspec.json.decode(text, type=Choice)
    except msgspec.MsgspecError as error:
        raise InputError(f"no choice of an agent: {error}") from error
