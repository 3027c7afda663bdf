"""Alarms of a host that no vault watches: what rings goes to the pager of this host, as Alertmanager would post it.

(Alertmanager, "Webhook receiver", version 4.) What was told is noted: a fault that lasts is told again after a while,
one that ended is told once. What the pager does not take is tried again a minute later.
"""

from __future__ import annotations

import hashlib
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from malleposte.core.errors import MallepostError
from malleposte.runtime import durable, kit
from malleposte.watch.faults import HOUR, PAGE, TICKET
from malleposte.watch.status import Row

NOTICES = Path("/var/lib/malleposte/watch/notices.json")
AGAIN: Mapping[str, float] = {PAGE: 4 * HOUR, TICKET: 24 * HOUR}
"""Seconds after which a fault that lasts is told again."""
TIMEOUT = 30.0
"""Seconds for the pager: a gateway of text messages has fifteen."""
Post = Callable[[str, Mapping[str, Any]], None]


@dataclass(frozen=True)
class Notice:
    """A fault that people were told of, since when it lasts, and the time of the last notice (seconds since 1970)."""

    name: str
    rings: str
    text: str
    runbook: str
    since: float
    at: float = 0

    def alert(self, host: str, *, over: bool) -> dict[str, Any]:
        """As Alertmanager says it."""
        return {
            "status": "resolved" if over else "firing",
            "fingerprint": hashlib.sha256(f"{host} {self.name}".encode()).hexdigest()[:16],
            "startsAt": datetime.fromtimestamp(self.since, UTC).isoformat(timespec="seconds"),
            "labels": {"alertname": self.name, "instance": host, "severity": self.rings},
            "annotations": {"summary": f"{host}: {self.text}", "runbook": self.runbook},
        }


def _parse(text: str) -> dict[str, Notice]:
    return {one["name"]: Notice(**one) for one in json.loads(text)}


def post(url: str, payload: Mapping[str, Any]) -> None:
    """Hand a notification to the pager. Raises MallepostError where it does not take it."""
    request = urllib.request.Request(  # noqa: S310  # the role names the loopback
        url, json.dumps(payload).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=TIMEOUT) as answer:
            answer.read(1)
    except urllib.error.HTTPError as error:
        with error:
            raise MallepostError(f"the pager told nobody ({error.code})", "journalctl -u malleposte-pager") from None
    except OSError as error:
        raise MallepostError(f"the pager does not answer: {error}", "systemctl status malleposte-pager") from error


def due(rows: Sequence[Row], notices: Mapping[str, Notice], now: float) -> list[Notice]:
    """The faults to tell: those that ring and were not told, were told as less, or long ago."""
    new = []
    for row in rows:
        fault = row.fault
        before = notices.get(fault.name)
        if row.rings(now) and (before is None or before.rings != fault.rings or now - before.at >= AGAIN[fault.rings]):
            new.append(Notice(fault.name, fault.rings, fault.text, row.runbook, row.since, now))
    return new


def ring(
    url: str, rows: Sequence[Row], now: float, path: Path = NOTICES, post: Post = post, *, whole: bool = True
) -> None:
    """Tell what is due, and what has ended, in one notification for each kind of alarm.

    `url` is that of the pager. Where the look was not `whole`, nobody knows what has ended: nothing of that is told.
    Raises MallepostError where it took none of a kind; what it took is noted all the same.
    """
    notices = kit.state(path, _parse) or {}
    host = socket.gethostname()
    lasting = {row.fault.name for row in rows}
    failed: list[str] = []
    for kind in (PAGE, TICKET):
        new = [one for one in due(rows, notices, now) if one.rings == kind]
        over = [one for one in notices.values() if whole and one.name not in lasting and one.rings == kind]
        alerts = [one.alert(host, over=False) for one in new] + [one.alert(host, over=True) for one in over]
        if not alerts:
            continue
        try:
            post(f"{url}/{kind}", {"version": "4", "status": "firing" if new else "resolved", "alerts": alerts})
        except MallepostError as error:
            failed.append(str(error))
            continue
        notices |= {one.name: replace(one, at=now) for one in new}
        notices = {name: one for name, one in notices.items() if one not in over}
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    durable.write(path, json.dumps([asdict(one) for one in notices.values()]), 0o640)
    if failed:
        raise MallepostError("; ".join(dict.fromkeys(failed)))
