"""The parts of « Mes outils »: an agent's rules, an order as it is written down, what becomes of it."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

import msgspec

from malleposte.accounts.mailbox.tools.events.model import Agenda
from malleposte.accounts.mailbox.tools.kinds.base import Note
from malleposte.core.errors import InputError

MOST_RULES = 10
"""Rules of an account."""
MOST, MOST_A_DAY = 100, 200
"""Orders of an account that may be open, and those within a day. What is beyond is not told."""
PATIENCE = 48 * 3600.0
"""Seconds for which a tool that is away is tried."""
DAY = 86_400.0
LABEL = re.compile(r"[A-Za-z0-9$_][A-Za-z0-9$_.-]{0,39}")
"""A label, as IMAP knows it (a keyword)."""
LONGEST_WORD = 80
"""Characters of a word that a rule looks for."""


class When(StrEnum):
    """The moment at which a rule tells of a message, or of an event."""

    LABEL = "label"
    """The agent puts a label on it, from any program."""
    COMES = "comes"
    """A message comes, and its sender or subject has a word."""
    EVENT = "event"
    """An event is new in an agenda."""


class Act(StrEnum):
    """The change of a rule that is there."""

    STOP = "stop"
    RESUME = "resume"
    REMOVE = "remove"


CHANGED = {Act.STOP: "règle arrêtée", Act.RESUME: "règle reprise", Act.REMOVE: "règle supprimée"}
"""The words of the journal, as the agent reads them."""


class Paused(StrEnum):
    """The reason for which a rule tells nothing."""

    NO = ""
    REVOKED = "revoked"
    """The tool does not know the agent's access any more."""
    STOPPED = "stopped"
    """The agent stopped it."""


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule of an agent. `shown` are the values that are no secret; `sealed` are the others."""

    id: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
    tool: Annotated[str, msgspec.Meta(max_length=20)]
    when: When
    shown: dict[str, str]
    sealed: str
    label: str = ""
    sender: str = ""
    subject: str = ""
    lines: bool = False
    """The first lines leave too."""
    paused: Paused = Paused.NO
    agenda: Agenda | None = None
    place: bool = False
    """The place of an event leaves too."""


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All rules of an agent."""

    rules: tuple[Rule, ...] = ()


class Given(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule as the agent gives it, with all values of the tool. It is written nowhere as it is."""

    tool: str
    when: When
    values: dict[str, str]
    label: str = ""
    sender: str = ""
    subject: str = ""
    lines: bool = False
    agenda: Agenda | None = None
    place: bool = False

    def __repr__(self) -> str:
        """The rule without its values."""
        return f"Given({self.tool}, {self.when})"


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message to tell by a rule. `at`: seconds since 1970."""

    uid: Annotated[str, msgspec.Meta(max_length=64)]
    rule: Annotated[str, msgspec.Meta(max_length=16)]
    message_id: Annotated[str, msgspec.Meta(max_length=250)]
    title: Annotated[str, msgspec.Meta(max_length=200)]
    sender: Annotated[str, msgspec.Meta(max_length=200)]
    text: Annotated[str, msgspec.Meta(max_length=1000)]
    at: float


class State(StrEnum):
    """The state of an order."""

    OPEN = "open"
    TOLD = "told"
    """The tool took it."""
    ENDED = "ended"
    """The message is not told: refused, too late, or its rule is gone."""


class Row(msgspec.Struct, frozen=True):
    """An order in the ledger. `again`: when it is tried next; `note` is empty once nothing is to be told any more."""

    id: str
    uid: str
    rule: str
    tool: str
    title: str
    note: str
    made: float
    state: State
    detail: str
    again: float
    tries: int
    changed: float

    def parsed(self) -> Note:
        """The note that leaves. Raises msgspec.MsgspecError."""
        return msgspec.json.decode(self.note, type=Note)


class Sent(msgspec.Struct, frozen=True):
    """A message that was told, or not, as its owner is shown it. `at` in seconds since 1970."""

    tool: str
    title: str
    at: float
    state: State
    detail: str = ""


class RuleShown(msgspec.Struct, frozen=True):
    """A rule as its owner is shown it: without any secret. `waits`: messages that are not told yet.

    `success` and `failure`: when the tool last took one, and last did not (seconds since 1970; 0 for never), for the
    reason `detail`. `gone`: since when the agenda is not there, or not its owner's any more.
    """

    id: str
    tool: str
    when: When
    label: str = ""
    sender: str = ""
    subject: str = ""
    lines: bool = False
    paused: Paused = Paused.NO
    host: str = ""
    waits: int = 0
    success: float = 0.0
    failure: float = 0.0
    detail: str = ""
    agenda: Agenda | None = None
    place: bool = False
    gone: float = 0.0


class Shown(msgspec.Struct, frozen=True):
    """The tools that the academy allows, with their hosts, the agent's rules, and what left of late."""

    tools: dict[str, tuple[str, ...]] = {}
    rules: tuple[RuleShown, ...] = ()
    sent: tuple[Sent, ...] = ()


def check(rule: Given) -> None:
    """Check when a rule tells. Raises InputError."""
    if rule.when == When.LABEL and not LABEL.fullmatch(rule.label):
        raise InputError("a label has letters, digits and $ _ . - alone, 40 at most", "give another")
    words = [rule.sender, rule.subject]
    if rule.when == When.COMES and not any(words):
        raise InputError("the rule names neither a sender nor a subject", "give one of them")
    if (rule.when == When.EVENT) != (rule.agenda is not None):
        raise InputError("a rule for events names an agenda, and no other does", "choose an agenda")
    for word in words:
        if len(word) > LONGEST_WORD or not word.isprintable() or word != word.strip():
            raise InputError(f"a word has {LONGEST_WORD} characters at most, on one line", "give a shorter one")


def words_of(tool: str, done: str) -> str:
    """The note of the journal about a rule."""
    return f"{tool}\N{NO-BREAK SPACE}: {done}"


def loaded(text: str | bytes) -> Rules:
    """The rules of a file. Raises InputError."""
    try:
        return msgspec.json.decode(text, type=Rules)
    except msgspec.MsgspecError as error:
        raise InputError(f"no rules of an agent: {error}") from error
