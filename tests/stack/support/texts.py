"""Text messages that arrived at the gateway of the lab's Internet (role world_sms)."""

import json
import re
import secrets

from malleposte.dev.world.world_sms import FAILS, HANGS_UP

from tests.stack.support.mail import wait_for
from tests.stack.support.site import Site

STORE = "/var/lib/world-sms/messages"


def number(end: str = "") -> str:
    """A telephone number that no other test has; `end`: that of a number which finds the gateway in trouble."""
    while True:
        made = f"+336{secrets.randbelow(10**8):08d}"
        if end or not made.endswith((FAILS, HANGS_UP)):
            return made[: len(made) - len(end)] + end


def arrived(site: Site, to: str) -> list[str]:
    """The messages to a number, the oldest first."""
    lines = site.run("world", f"cat {STORE} 2>/dev/null || true").splitlines()
    return [found["content"] for found in map(json.loads, lines) if found["recipient"] == to]


def awaited(site: Site, to: str, count: int = 1) -> list[str]:
    """The same, once there are so many."""
    return wait_for(lambda: found if len(found := arrived(site, to)) >= count else None, what=f"{count} text messages")


def code_in(text: str) -> str:
    """The code of a message, as it is shown."""
    found = re.fullmatch(r".+\. Code reçu (\S+), valable 15 minutes\. .+", text)
    assert found, "not the message of a code"
    return found[1]
