"""The two ways by which an alarm leaves: text messages, and mail by a relay of another house."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from malleposte.adapters import relay, sms
from malleposte.core.errors import InputError, MallepostError
from malleposte.core.loops import named
from malleposte.paging.message import PAGE, Message

HOUR = 3600.0
MOST_SMS = 20
"""Pages by text message in an hour; further ones go by mail alone, which says so."""
FAILED = 300.0
"""Seconds for which one counts that reached nobody: a gateway that was away calls again soon after."""


class NobodyToldError(MallepostError):
    """No way took the message: Alertmanager, or the next look at the heartbeats, tries again."""


@dataclass
class _Page:
    """A page by text message, and until when it counts."""

    until: float


@dataclass
class Receivers:
    """The ways that the academy has. `numbers` are in E.164, `mails` outside the platform's domain."""

    gateway: sms.Gateway | None = None
    numbers: Sequence[str] = ()
    relay: relay.Relay | None = None
    mails: Sequence[str] = ()
    _tried: list[_Page] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    """Pages are sent in threads, several at a time."""

    @property
    def by_sms(self) -> bool:
        """Whether pages go by text message."""
        return self.gateway is not None and bool(self.numbers)

    @property
    def by_mail(self) -> bool:
        """Whether alarms go by mail."""
        return self.relay is not None and bool(self.mails)

    def text(self, message: Message, now: float) -> tuple[int, list[str]]:
        """Send a page by text message; return the numbers reached, and what failed. `now` is in seconds."""
        page = _Page(now + HOUR)
        with self._lock:
            self._tried = [one for one in self._tried if one.until > now]
            if len(self._tried) >= MOST_SMS:
                return 0, [f"no text message: {MOST_SMS} were tried within an hour"]
            self._tried.append(page)
        failed: list[str] = []
        for place, number in enumerate(self.numbers, 1):
            with named(failed.append, f"text message to number {place}"):
                assert self.gateway is not None
                self.gateway.send(number, message.sms)
        reached = len(self.numbers) - len(failed)
        if not reached:
            page.until = now + FAILED
        return reached, failed

    def mail(self, message: Message, faults: Sequence[str] = ()) -> list[str]:
        """Send it by mail, with what failed by the other way; return what failed."""
        failed: list[str] = []
        with named(failed.append, "mail"):
            assert self.relay is not None
            self.relay.send(self.mails, message.subject, message.text + "".join(f"\n{line}" for line in faults) + "\n")
        return failed

    def send(self, message: Message, now: float) -> list[str]:
        """Send a page by both ways, a ticket by mail; return what failed. Raises NobodyToldError where nothing went."""
        reached, faults = 0, list[str]()
        if message.severity == PAGE and self.by_sms:
            reached, faults = self.text(message, now)
        if self.by_mail:
            failed = self.mail(message, faults)
            reached += not failed
            faults += failed
        if not reached:
            raise NobodyToldError(
                "; ".join(faults) or "no way leads to anybody", "see malleposte_alarms, malleposte_sms"
            )
        return faults


def of(settings: Mapping[str, Any], where: str) -> Receivers:
    """The ways of the settings: `{"sms": {…}, "numbers": […], "relay": {…}, "mails": […]}`. Raises InputError."""
    try:
        return Receivers(
            sms.of(settings.get("sms", {}), f"{where}: sms"), tuple(settings.get("numbers", ())),
            relay.of(settings.get("relay", {}), f"{where}: relay"), tuple(settings.get("mails", ())),
        )  # fmt: skip
    except AttributeError as error:
        raise InputError(f"{where}: not the ways of alarms", "deploy again") from error
