"""Log-ins of clients of other networks, right and wrong.

They are played on the mail host, which takes addresses of examples and of benchmarks (RFC 5737, 3849, 2544) for its
own: Dovecot sees them.
"""

import json
import math
import shlex
from collections.abc import Callable
from typing import NamedTuple

from malleposte.policy import rules

from tests.stack.support.site import Site

ATTACKER, NEIGHBOUR, OWNER = "198.51.100.7", "198.51.100.200", "203.0.113.9"
EXAMPLES = ("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24", "2001:db8::/32")
"""Networks that are nobody's."""
FREE = 5
"""`FREE`: wrong passwords that no delay follows."""
BASE = 2.0
"""`BASE`: seconds of the first delay; each further one is twice as long."""


def free_within(seconds: float) -> int:
    """The most wrong passwords that are let on within some seconds: on a slow machine, delays end meanwhile."""
    return FREE + int(math.log2(1 + seconds / BASE))


CLIENT = """
import concurrent.futures, imaplib, ipaddress, json, socket, ssl, subprocess, sys
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
imaplib.Commands["ID"] = ("NONAUTH", "AUTH", "SELECTED")
class Client(imaplib.IMAP4_SSL):
    def __init__(self, address):
        self.mine = address
        super().__init__("::1" if ":" in address else "127.0.0.1", 993, ssl_context=context, timeout=60)
    def _create_socket(self, timeout):
        plain = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET)
        plain.settimeout(timeout)
        if self.mine:
            # Without this (IP_FREEBIND), IPv6 takes no address that no interface has.
            plain.setsockopt(socket.IPPROTO_IP, 15, 1)
            plain.bind((self.mine, 0))
        plain.connect((self.host, self.port))
        return context.wrap_socket(plain)
def one(row):
    address, name, password, program, claimed = row
    client = Client(address)
    try:
        said = {"name": program, "x-originating-ip": claimed}
        words = " ".join('"%s" "%s"' % pair for pair in said.items() if pair[1])
        if words:
            client._simple_command("ID", "(%s)" % words)
        client.login(name, password)
        return [True, ""]
    except imaplib.IMAP4.error as error:
        return [False, str(error)]
    finally:
        client.shutdown()
given = json.load(sys.stdin)
examples = [ipaddress.ip_network(one) for one in given["examples"]]
# One address each: whole networks may hold the mirror of the packages.
for address in {row[0] for row in given["rows"] if row[0]}:
    if any(ipaddress.ip_address(address) in one for one in examples):
        subprocess.run(["ip", "route", "replace", "local", address, "dev", "lo"], check=True)
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
    """Log-ins as (address, name, password), some at once.

    They may go on with what the program calls itself in IMAP's ID, and with the address for which it says to speak.
    """

    def make(*rows: tuple[str, ...], at_once: int = 1) -> list[Answer]:
        given = json.dumps({"rows": [(*row, "", "")[:5] for row in rows], "at_once": at_once, "examples": EXAMPLES})
        text = site.run("mail1", "/usr/bin/python3", "-c", shlex.quote(CLIENT), given=given)
        return [Answer(*row) for row in json.loads(text)]

    return make


def wrong(count: int) -> list[str]:
    """Passwords that nobody has."""
    return [rules.generate() for _ in range(count)]
