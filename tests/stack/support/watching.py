"""The watch as a test sees it: alarms of a vault, text messages and mails that came out of the platform."""

from __future__ import annotations

import json
import shlex
from typing import Any
from urllib.parse import quote

from tests.stack.support import texts
from tests.stack.support.mail import wait_for
from tests.stack.support.site import Site

MAILS = "/var/lib/world-relay/messages"
"""The mail that the lab's relay of another house keeps (role world_relay)."""
PATIENCE = 300.0
"""Seconds for an alarm of the lab, which shares its processors; the limits are promtool's matter."""


def query(site: Site, vault: str, expression: str) -> list[dict[str, Any]]:
    """Return the samples of an expression, as Prometheus of a vault has them now: `{metric, value}`."""
    address = f"http://127.0.0.1:9090/api/v1/query?query={quote(expression)}"
    answer = json.loads(site.run(vault, f"curl -sSf -m 20 {shlex.quote(address)}"))
    found: list[dict[str, Any]] = answer["data"]["result"]
    return found


def firing(site: Site, vault: str, alarm: str, **labels: str) -> list[dict[str, Any]]:
    """Return the alarms of a name, with these labels, that ring at a vault."""
    given = {"alertname": alarm, "alertstate": "firing", **labels}
    return query(site, vault, "ALERTS{" + ",".join(f'{name}="{value}"' for name, value in given.items()) + "}")


def number(site: Site) -> str:
    """The telephone that pages go to."""
    numbers: list[str] = site.variables("mail1")["malleposte_alarms"]["numbers"]
    return numbers[0]


def messages(site: Site, part: str) -> list[str]:
    """Return the text messages to that telephone that hold a part."""
    return [text for text in texts.arrived(site, number(site)) if part in text]


def mails(site: Site, part: str) -> list[str]:
    """Return the mails that left by the relay whose headers hold a part."""
    lines = site.run("world", f"cat {MAILS} 2>/dev/null || true").splitlines()
    return [found["text"] for found in map(json.loads, lines) if part in found["text"].replace("\r\n ", " ")]


def told(site: Site, part: str) -> tuple[str, str]:
    """Return the text message and the mail that hold a part, once both are there."""

    def both() -> tuple[str, str] | None:
        text, mail = messages(site, part), mails(site, part)
        return (text[0], mail[0]) if text and mail else None

    return wait_for(both, PATIENCE, f"a text message and a mail about {part}")
