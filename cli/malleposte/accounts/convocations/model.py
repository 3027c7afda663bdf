"""A convocation: whom an office has come, when and where, and how far each invitation is."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

MOST = 5000
"""Agents of a convocation."""
LONGEST_TEXT = 2000
"""Characters of the text of an invitation."""
DAY = 86_400


class Answer(StrEnum):
    """The answer of an agent; silence is empty."""

    SILENCE = ""
    YES = "yes"
    NO = "no"
    MAYBE = "maybe"


class Part(StrEnum):
    """The part of somebody in an event: what comes to that person."""

    CALLED = ""
    """The letter, and the entry in the agenda."""
    GUEST = "guest"
    """The letter alone: a question, as any invitation is."""
    ORGANISER = "organiser"
    """The entry alone."""


class Way(StrEnum):
    """The way by which an answer came."""

    NONE = ""
    MAIL = "mail"
    PORTAL = "portal"


class Stage(StrEnum):
    """The stage of a convocation."""

    DRAFT = "draft"
    """Nobody was written to."""
    OPEN = "open"
    OFF = "off"
    """Called off as a whole."""


class Order(StrEnum):
    """An order of the office on a convocation."""

    SEND = "send"
    REMIND = "remind"
    CALL_OFF = "call_off"


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The event: `begin` and `end` as ISO 8601 in the platform's zone, days alone for whole days (`end` included)."""

    title: str
    begin: str
    end: str
    place: str = ""
    text: str = ""

    @property
    def whole_days(self) -> bool:
        """Whether it has no hours."""
        return len(self.begin) == len("2026-06-15")

    @property
    def starts(self) -> datetime.datetime:
        """The beginning, with its zone."""
        return datetime.datetime.fromisoformat(self.begin).astimezone()

    @property
    def ends(self) -> datetime.datetime:
        """The end, with its zone."""
        end = datetime.datetime.fromisoformat(self.end)
        return (end + datetime.timedelta(days=1) if self.whole_days else end).astimezone()


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A wanted invitation: `who` and `substitutes` as they are typed (log-in, address or NUMEN)."""

    line: int
    who: str
    event: Event
    substitutes: tuple[str, ...] = ()
    reference: str = ""

    def __repr__(self) -> str:
        """The line alone: what is typed may be a NUMEN."""
        return f"Row({self.line})"


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who is invited. `uid` is empty outside the academy."""

    address: str
    uid: str = ""
    name: str = ""


class Invitee(msgspec.Struct, forbid_unknown_fields=True):
    """An invitation. `key` tells it among those of a convocation, `token` is known to the agent and the office alone.

    `sequence` rises with each change (RFC 5545, 3.8.7.4); `mailed` is the last one that was sent, -1 for none, `begun`
    when a letter was handed over whose end is not noted yet, and `filed` what the agenda shows (`entry_due`). `sent`,
    `answered`, `reminded`, `later` in seconds since 1970; before `later` nothing is tried again, for `failure`.
    `instead_of` is the key of the agent for whom this one came in, `called` of the one who came in for this one.
    """

    key: str
    token: str
    person: Person
    event: Event
    substitutes: tuple[Person, ...] = ()
    sequence: int = 0
    off: bool = False
    mailed: int = -1
    sent: int = 0
    begun: int = 0
    filed: str = ""
    answer: Answer = Answer.SILENCE
    answered: int = 0
    way: Way = Way.NONE
    remind: bool = False
    reminders: int = 0
    reminded: int = 0
    later: int = 0
    tries: int = 0
    failure: str = ""
    instead_of: str = ""
    called: str = ""
    part: Part = Part.CALLED

    @property
    def entry_due(self) -> str:
        """The entry that the agenda is to have, as a word; empty for none."""
        if self.part is Part.GUEST or not self.person.uid or self.off or self.answer is Answer.NO:
            return ""
        return f"{self.sequence} {self.answer}"

    @property
    def to_mail(self) -> bool:
        """Whether a letter is due. One who was never written to is not told that it is off."""
        if self.part is Part.ORGANISER or (self.off and self.mailed < 0 and not self.begun):
            return False
        return self.mailed < self.sequence or (self.remind and not self.off)

    @property
    def to_file(self) -> bool:
        """Whether the agenda is not as it should be."""
        return self.filed != self.entry_due

    def due(self, now: float) -> bool:
        """Whether something is to be done now; nothing once the event is over."""
        return (
            self.later <= now and (self.to_mail or self.to_file)
            and self.event.ends.timestamp() > now
        )  # fmt: skip

    def change(self, event: Event) -> None:
        """Give it other hours, or another place: whoever answered is asked again."""
        self.event = event
        self.sequence += 1
        self.off = False
        self.answer, self.answered, self.way = Answer.SILENCE, 0, Way.NONE
        self._anew()

    def call_off(self) -> None:
        """Call it off."""
        self.sequence += 1
        self.off = True
        self._anew()

    def reply(self, answer: Answer, way: Way, when: int) -> None:
        """Note an answer."""
        self.answer, self.way, self.answered = answer, way, when
        self.remind = False
        if not self.to_mail:
            self._anew()

    def _anew(self) -> None:
        self.remind, self.later, self.tries, self.failure = False, 0, 0, ""


class Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A remark of a plan on a person: `word` is one of `plan.NOTES`, `detail` says more."""

    who: str
    word: str
    detail: str = ""


class Refusal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of a file that is not taken: its line, why, and the same in French."""

    line: int
    reason: str
    french: str


class Plan(msgspec.Struct, forbid_unknown_fields=True):
    """The changes of a convocation: invitations that are new or change, and the keys of those to call off."""

    new: list[Invitee] = []
    changed: list[Invitee] = []
    off: list[str] = []
    same: int = 0
    notes: list[Note] = []
    refused: list[Refusal] = []

    @property
    def changes(self) -> int:
        """The number of changes."""
        return len(self.new) + len(self.changed) + len(self.off)


class Convocation(msgspec.Struct, forbid_unknown_fields=True):
    """A convocation of an office (`office`: the uid of its box, `mail` its address, `title` its name).

    `name` tells it among the others of the office: that of its file. `substitute`: a « non » calls the next one;
    `remind_days`: days before the event on which the silent are reminded. `rows` are those that the portal's page adds;
    while `planning` their `plan` is not made yet. `seen` is the last message of each folder of the box that was read.
    `shared` is the random word of the one event that all have, as in a meeting of an agent, who stands in the place of
    the office; without it each has an event of the own.
    """

    ident: str
    name: str
    office: str
    mail: str
    title: str
    domain: str
    by: str
    made: int
    substitute: bool = False
    remind_days: tuple[int, ...] = ()
    stage: Stage = Stage.DRAFT
    invitees: list[Invitee] = []
    rows: list[Row] = []
    plan: Plan | None = None
    planning: bool = False
    seen: dict[str, int] = {}
    failures: list[str] = []
    shared: str = ""

    def event_id(self, one: Invitee) -> str:
        """Return the UID of the event of an invitation."""
        return f"{self.ident}-{self.shared or one.token}@{self.domain}"

    @property
    def guests(self) -> list[Invitee]:
        """The invitations that stand, but for the organiser's own."""
        return [one for one in self.called if one.part is not Part.ORGANISER]

    def find(self, key: str) -> Invitee | None:
        """Return the invitation of a key."""
        return next((one for one in self.invitees if one.key == key), None)

    @property
    def called(self) -> list[Invitee]:
        """The invitations that stand."""
        return [one for one in self.invitees if not one.off]

    @property
    def last(self) -> float:
        """The end of the last event, in seconds; the time at which it was made where there is none."""
        return max((one.event.ends.timestamp() for one in self.invitees), default=float(self.made))

    def count(self) -> Counts:
        """Return how many answered what."""
        return Counts.of(self.guests)


class Counts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The numbers of invitations that stand, by answer; `waiting`: not sent yet; `failed`: with a failure."""

    all: int = 0
    yes: int = 0
    no: int = 0
    maybe: int = 0
    silence: int = 0
    waiting: int = 0
    failed: int = 0

    @classmethod
    def of(cls, invitees: Iterable[Invitee]) -> Counts:
        """Count them."""
        several = list(invitees)
        by = {answer: sum(one.answer is answer for one in several) for answer in Answer}
        return cls(
            len(several), by[Answer.YES], by[Answer.NO], by[Answer.MAYBE], by[Answer.SILENCE],
            sum(one.mailed < one.sequence for one in several), sum(bool(one.failure) for one in several),
        )  # fmt: skip


ORDER = """\
{name} est convoqué(e) par {office} :

{title}
{when}
{place}

{text}

Le présent document tient lieu d’ordre de mission pour le trajet et la durée de la convocation. Les frais sont \
remboursés selon les règles en vigueur, sur présentation de ce document."""
_BRACES = re.compile(r"\{([^{}]{0,40})\}")


@dataclass(frozen=True)
class OrderText:
    """The academy's template of the « ordre de mission »; an empty `text` is ORDER. Blank lines part its paragraphs."""

    title: str = "Ordre de mission"
    text: str = ""
    signature: str = ""

    def filled(self, words: Mapping[str, str]) -> str:
        """Return the text for one agent. A word that is not known stays, and no word is looked through again."""
        return _BRACES.sub(lambda brace: words.get(brace[1], brace[0]), self.text or ORDER)


@dataclass(frozen=True)
class ConvocationRules:
    """The academy's choices. `offices` are addresses of the boxes that may convoke from the portal.

    `per_minute`: letters and entries in agendas, of all convocations together. `keep_days`: after the last event;
    `meeting_days` the same for meetings of agents.
    """

    offices: tuple[str, ...] = ()
    per_minute: int = 60
    reminder_days: tuple[int, ...] = (3,)
    keep_days: int = 365
    meeting_days: int = 60
    order: OrderText = field(default_factory=OrderText)
