"""Heartbeats of the vaults, and the alarm when one is missing: it needs neither Prometheus nor Alertmanager."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from malleposte.paging.message import PAGE, Alarm, Message
from malleposte.platform.times import local

MISSING = 300.0
"""Seconds without a heartbeat after which a vault does not watch."""
AGAIN = 4 * 3600.0
"""Seconds after which a vault that is still missing is told again."""
RUNBOOK = "docs/watch.md#heartbeat"


class Beats:
    """The last heartbeat of each vault that this host listens to. Times are in seconds since 1970."""

    def __init__(self, vaults: Iterable[str], now: float) -> None:
        """Each vault has its time from now on: a host that starts anew knows of no heartbeat before."""
        self.last = dict.fromkeys(vaults, now)
        self.announced: dict[str, float] = {}

    def heard(self, vault: str, now: float) -> None:
        """A heartbeat of a vault; one that is not known counts for nothing."""
        if vault in self.last:
            self.last[vault] = now

    def news(self, now: float) -> Message | None:
        """The alarm to send now, of all vaults that went or came back; None where there is none."""
        gone = [vault for vault, last in self.last.items() if now - last > MISSING]
        back = [vault for vault in self.announced if vault not in gone]
        due = [vault for vault in gone if now - self.announced.get(vault, float("-inf")) >= AGAIN]
        alarms = [self._gone(vault) for vault in due] + [self._back(vault) for vault in back]
        return Message(PAGE, tuple(alarms)) if alarms else None

    def sent(self, message: Message, now: float) -> None:
        """The news reached somebody, by this host or another one."""
        for alarm in message.alarms:
            vault = alarm.key.removeprefix("heartbeat:")
            if alarm.over:
                self.announced.pop(vault, None)
            else:
                self.announced[vault] = now

    def _gone(self, vault: str) -> Alarm:
        since = datetime.fromtimestamp(self.last[vault], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        text = f"{vault} watches no more: no heartbeat since {local(since)}"
        return Alarm(f"heartbeat:{vault}", text, RUNBOOK, since)

    def _back(self, vault: str) -> Alarm:
        return Alarm(f"heartbeat:{vault}", f"{vault} watches again", over=True)
