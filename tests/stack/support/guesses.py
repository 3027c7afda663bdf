"""Log-ins of clients of other networks, right and wrong.

They are played from the mail host, which Dovecot trusts to say whom it speaks for (IMAP's ID), as the webmail does.
"""

import json
import math
import shlex
from collections.abc import Callable
from typing import NamedTuple

from malleposte.policy import rules

from tests.stack.support.site import Site

ATTACKER, NEIGHBOUR, OWNER = "198.51.100.7", "198.51.100.200", "203.0.113.9"
FREE = 5
"""`FREE`: wrong passwords that no delay follows."""
BASE = 2.0
"""`BASE`: seconds of the first delay; each further one is twice as long."""


def free_within(seconds: float) -> int:
    """The most wrong passwords that are let on within some seconds: on a slow machine, delays end meanwhile."""
    return FREE + int(math.log2(1 + seconds / BASE))


CLIENT = """
import concurrent.futures, imaplib, json, ssl, sys
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
imaplib.Commands["ID"] = ("NONAUTH", "AUTH", "SELECTED")
def one(row):
    address, name, password = row
    client = imaplib.IMAP4_SSL("127.0.0.1", 993, ssl_context=context, timeout=60)
    try:
        if address:
            client._simple_command("ID", '("x-originating-ip" "%s")' % address)
        client.login(name, password)
        return [True, ""]
    except imaplib.IMAP4.error as error:
        return [False, str(error)]
    finally:
        client.shutdown()
given = json.load(sys.stdin)
with concurrent.futures.ThreadPoolExecutor(given["at_once"]) as pool:
    print(json.dumps(list(pool.map(one, given["rows"]))))
"""


class Answer(NamedTuple):
    """Whether it opened, and what the server said."""

    ok: bool
    said: str

    @property
    def delayed(self) -> bool:
        """Refused unproved."""
        return not self.ok and "Too many tries" in self.said


def player(site: Site) -> Callable[..., list[Answer]]:
    """Log-ins as (address, name, password), some at once."""

    def make(*rows: tuple[str, str, str], at_once: int = 1) -> list[Answer]:
        given = json.dumps({"rows": rows, "at_once": at_once})
        text = site.run("mail1", "/usr/bin/python3", "-c", shlex.quote(CLIENT), given=given)
        return [Answer(*row) for row in json.loads(text)]

    return make


def wrong(count: int) -> list[str]:
    """Passwords that nobody has."""
    return [rules.generate() for _ in range(count)]
