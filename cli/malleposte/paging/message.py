"""An alarm as a person reads it: in a text message, and in a mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from malleposte.platform.times import local

PAGE, TICKET = "page", "ticket"
RINGS, OVER = "rings", "over"
"""The two states of an alarm."""
MARK = "[Malleposte]"
LONGEST_SMS = 160
"""Characters of one text message."""
_MOST_ALARMS = 50
"""Alarms that a mail lists; the others are counted."""


@dataclass(frozen=True)
class Alarm:
    """One alarm: its fingerprint, its text, the place in the run-book, when it began (RFC 3339), whether it is over."""

    key: str
    summary: str
    runbook: str = ""
    since: str = ""
    over: bool = False

    @property
    def event(self) -> str:
        """The alarm and its state: that it ended is another news than that it began."""
        return f"{self.key}:{OVER if self.over else RINGS}"


@dataclass(frozen=True)
class Message:
    """Alarms of one cause, for one call; `severity` is PAGE or TICKET."""

    severity: str
    alarms: tuple[Alarm, ...]

    @property
    def headline(self) -> str:
        """The first alarm that rings, and how many others there are; or that all are over."""
        ringing = [one for one in self.alarms if not one.over]
        first = (ringing or self.alarms)[0]
        more = len(ringing or self.alarms) - 1
        return f"{'' if ringing else 'over: '}{first.summary}{f' (and {more} more)' if more else ''}"

    @property
    def sms(self) -> str:
        """One text message, in the characters that every gateway takes."""
        ringing = [one.runbook for one in self.alarms if not one.over and one.runbook]
        end = f". {ringing[0]}" if ringing else ""
        text = f"{MARK} {self.headline}".encode("ascii", "replace").decode()
        room = LONGEST_SMS - len(end)
        return (text if len(text) <= room else f"{text[: room - 3]}...") + end

    @property
    def subject(self) -> str:
        """The subject of the mail."""
        return f"{MARK} {self.severity}: {self.headline}"

    @property
    def text(self) -> str:
        """The mail."""
        parts = []
        for one in self.alarms[:_MOST_ALARMS]:
            parts += [one.summary, f"  {'over; it began' if one.over else 'since'} {local(one.since)}".rstrip()]
            parts += [f"  what to do: {one.runbook}", ""] if one.runbook and not one.over else [""]
        rest = len(self.alarms) - _MOST_ALARMS
        return "\n".join([*parts, *([f"and {rest} more"] if rest > 0 else [])])


def of_alertmanager(payload: Mapping[str, Any], severity: str) -> Message:
    """The message of a notification of Alertmanager (webhook, version 4).

    Raises KeyError, TypeError, AttributeError or IndexError where it is none.
    """
    return Message(severity, tuple(map(_alarm, payload["alerts"])))


def _alarm(alert: Mapping[str, Any]) -> Alarm:
    annotations = alert["annotations"]
    summary = annotations.get("summary") or alert["labels"]["alertname"]
    return Alarm(
        str(alert["fingerprint"]), str(summary), str(annotations.get("runbook", "")),
        str(alert["startsAt"]), alert["status"] == "resolved",
    )  # fmt: skip


def opposite(event: str) -> str:
    """The event of the same alarm in its other state."""
    key, _, state = event.rpartition(":")
    return f"{key}:{RINGS if state == OVER else OVER}"


def without(message: Message, events: Sequence[str]) -> Message:
    """The same message without alarms that were told already."""
    return Message(message.severity, tuple(one for one in message.alarms if one.event not in events))
