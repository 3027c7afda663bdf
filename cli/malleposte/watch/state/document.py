"""The document of the state: what each reader takes, and no more of it than this.

A vault makes it, the pager of the portal's host hands it on, the portal shows it; each checks what it is given.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from malleposte.core.errors import InputError

LONGEST = 524_288
"""Bytes of a document."""
MOST_ALARMS = 200
MOST_ROWS = 500
"""Rows of a table."""
MOST_OF_A_HOST = 60
"""Rows of a table about one host: one in other hands hides no other."""
MOST_POINTS = 150
MOST_BLIND = 100
LONGEST_TEXT = 300
VAULT, HOST = "vault", "host"
"""Kinds: of the platform by a vault, or of one host by its own measures."""

Text = Annotated[str, Meta(max_length=LONGEST_TEXT)]
Name = Annotated[str, Meta(pattern=r"^[a-z_]{1,40}\Z", max_length=40)]
Points = Annotated[tuple[float | None, ...], Meta(max_length=MOST_POINTS)]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the document."""


class Alarm(Part, frozen=True):
    """A fault that rings: `severity` is `page` or `ticket`, `since` in seconds since 1970, `runbook` its place there.

    `silenced` is until when it is silent (seconds since 1970), 0 where it is not.
    """

    severity: Annotated[str, Meta(pattern=r"^(?:page|ticket)\Z")]
    text: Text
    runbook: Text
    since: float
    silenced: float = 0


class Row(Part, frozen=True):
    """A value of a table: of which host (empty for the platform), and what."""

    host: Text
    what: Text
    value: float


class History(Part, frozen=True):
    """Values of a day and of thirty, `day_step` and `month_step` seconds apart, up to the document's time.

    None where nothing was measured; without any value, empty.
    """

    day: Points = ()
    month: Points = ()


class State(Part, frozen=True):
    """The state at a time (seconds since 1970) by one host, `source`; `blind` names what it could not look at.

    `unreached` are vaults that did not answer before this one, by the host that asked.
    """

    kind: Annotated[str, Meta(pattern=r"^(?:vault|host)\Z")]
    source: Text
    at: float
    alarms: Annotated[tuple[Alarm, ...], Meta(max_length=MOST_ALARMS)] = ()
    tables: Annotated[dict[Name, Annotated[tuple[Row, ...], Meta(max_length=MOST_ROWS)]], Meta(max_length=40)] = {}
    history: Annotated[dict[Name, History], Meta(max_length=40)] = {}
    day_step: float = 0
    month_step: float = 0
    blind: Annotated[tuple[Text, ...], Meta(max_length=MOST_BLIND)] = ()
    unreached: Annotated[tuple[Text, ...], Meta(max_length=20)] = ()


class Answer(Part, frozen=True):
    """The line with which a pager answers: the state, or why there is none."""

    state: State | None = None
    refused: Text = ""


def encoded(content: Part) -> bytes:
    """Return it as JSON."""
    return msgspec.json.encode(content)


def decoded[P: Part](kind: type[P], text: bytes) -> P:
    """Return the document of a text. Raises InputError on what is none, or is too long."""
    if len(text) > LONGEST:
        raise InputError("the state of the platform is too long a document")
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"not the state of the platform: {str(error)[:200]}") from error


def short(text: object) -> str:
    """Return a text as the document takes it: of one line, cut at its longest."""
    return " ".join(str(text).split())[:LONGEST_TEXT]
