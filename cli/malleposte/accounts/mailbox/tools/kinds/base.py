"""The parts that tools share: what is told, the request that tells it, and what an answer means."""

from __future__ import annotations

import datetime
import email.utils
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

import msgspec

from malleposte.platform.times import in_french

LONGEST_PAUSE = 86_400.0
"""Seconds that a tool may ask to wait."""
_CODE = re.compile(rb"[A-Za-z][A-Za-z0-9_]{2,39}")
FROM, OPEN = "De\N{NO-BREAK SPACE}: {}", "Ouvrir le message"
WHEN, WHERE = "Quand\N{NO-BREAK SPACE}: {}", "Lieu\N{NO-BREAK SPACE}: {}"
JSON = {"Content-Type": "application/json; charset=utf-8"}


class Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that leaves about a message or an event.

    `key` is the same each time that the same one is told by the same rule. `text` has the first lines, where the agent
    asked for them. An event has `begin` and `end`, moments with their offset or days, and no sender and no link.
    """

    key: str
    title: str
    sender: str
    link: str
    text: str = ""
    begin: str = ""
    end: str = ""
    place: str = ""

    @property
    def about(self) -> list[str]:
        """The lines below the title: who wrote a message; when and where an event is."""
        if not self.begin:
            return [FROM.format(self.sender)]
        return [WHEN.format(moments(self.begin, self.end)), *([WHERE.format(self.place)] if self.place else [])]


@dataclass(frozen=True)
class Field:
    """A value that the agent gives. `secret` ones are sealed at once, and shown to nobody again."""

    name: str
    form: re.Pattern[str]
    secret: bool = False


@dataclass(frozen=True)
class Request:
    """One request over HTTPS."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    method: str = "POST"


@dataclass(frozen=True)
class Answer:
    """The answer of a tool, of which only the beginning is read."""

    status: int
    headers: Mapping[str, str] = MappingProxyType({})
    """Their names in small letters."""
    body: bytes = b""


class Outcome(StrEnum):
    """The outcome of a request."""

    DONE = "done"
    LATER = "later"
    """Nothing is wrong with what was told: it is tried again."""
    REVOKED = "revoked"
    """The tool does not know the agent's access any more."""
    REFUSED = "refused"
    """The tool does not want this."""


class Verdict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The meaning of an answer. `pause`: seconds that the tool asks to wait. `detail` is a word of ours or a code."""

    outcome: Outcome
    detail: str = ""
    pause: float = 0.0


@dataclass(frozen=True)
class Tool:
    """A tool: the fields that the agent gives, how it is told, what its answers mean.

    `hosts` are its own; without any the academy names them.
    """

    name: str
    fields: tuple[Field, ...]
    request: Callable[[Mapping[str, str], Note, float], Request]
    judge: Callable[[Answer], Verdict]
    address: Callable[[Mapping[str, str]], str]
    """The address of the tool, by the values."""


def judged(answer: Answer, gone: tuple[int, ...] = (401, 403), detail: str = "") -> Verdict:
    """The meaning of an answer by its status. `gone`: those that say that the access has ended."""
    status = answer.status
    word = f"{status} {detail}".strip()
    if 200 <= status < 300:
        return Verdict(Outcome.DONE)
    if status in gone:
        return Verdict(Outcome.REVOKED, word)
    if status == 429 or status in (408, 409, 425) or status >= 500:
        return Verdict(Outcome.LATER, word, pause(answer.headers.get("retry-after", "")))
    return Verdict(Outcome.REFUSED, word)


def pause(text: str, now: float | None = None) -> float:
    """The seconds of a header Retry-After (RFC 9110, 10.2.3): a number or a date; 0 where it has no sense."""
    text = text.strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", text):
        seconds = float(text)
    else:
        try:
            seconds = email.utils.parsedate_to_datetime(text[:60]).timestamp() - (time.time() if now is None else now)
        except (ValueError, OverflowError):
            seconds = 0.0
    return min(max(seconds, 0.0), LONGEST_PAUSE)


def code(answer: Answer, *names: str) -> str:
    """An error's code in an answer of JSON, or an answer that is one; nothing else that a stranger wrote."""
    try:
        content = msgspec.json.decode(answer.body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return answer.body.decode() if _CODE.fullmatch(answer.body) else ""
    for name in names:
        value = content.get(name) if isinstance(content, dict) else None
        if isinstance(value, str) and _CODE.fullmatch(value.encode("utf-8", "replace")):
            return value
    return ""


def moments(begin: str, end: str) -> str:
    """The time of an event, in French words. Hours are those of the offset that it has."""
    first, last = (datetime.datetime.fromisoformat(one) for one in (begin, end))
    days = [in_french(one.date(), weekday=True) for one in (first, last)]
    hours = [""] * 2 if first.tzinfo is None else [f", {one:%H:%M}" for one in (first, last)]
    if days[0] != days[1]:
        return f"du {days[0]}{hours[0]} au {days[1]}{hours[1]}"
    return f"{days[0]}{hours[0]}" if hours[0] == hours[1] else f"{days[0]}{hours[0]} – {last:%H:%M}"


def encoded(content: object) -> bytes:
    """JSON of it."""
    return msgspec.json.encode(content)
