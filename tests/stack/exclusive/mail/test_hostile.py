"""Messages for each fault that rspamd mended after Debian's version: it goes on, and works for seconds at most."""

import base64
import json
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stack.support import regressions
from tests.stack.support.hostile import der
from tests.stack.support.mail import FOREIGN, compose, token
from tests.stack.support.site import Site

pytestmark = pytest.mark.full
MOST = 8.0
"""Seconds of processor for one message, several times what the dearest took."""
SCAN = (
    "curl -s -m 120 --unix-socket /run/rspamd/controller.sock -H 'From: <probe@{sender}>' "
    "-H 'IP: 192.0.2.1' -H 'Helo: x.test' --data-binary @{file} http://localhost/checkv2"
)
WORKERS = "systemctl show -P MainPID rspamd; pgrep -f '^rspamd: (rspamd_proxy|controller)'"
TICKS = "cat /proc/$(pgrep -f '^rspamd: controller')/stat"
CRASHES = "journalctl -u rspamd --since @{since} | grep -cE 'abnormally|core dumped|segfault|fatal signal' || true"
FILE = "/root/hostile.eml"
MESSAGES = regressions.messages()


class Filter:
    """rspamd of a host, seen from outside."""

    def __init__(self, site: Site) -> None:
        """Its processes, now."""
        self.site = site
        self.since = site.run("mail1", "date +%s").strip()
        self.processes = site.run("mail1", WORKERS)

    def ticks(self) -> float:
        """Seconds of processor that the scanning process has used (proc_pid_stat(5), utime and stime)."""
        words = self.site.run("mail1", TICKS).rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / 100

    def scan(self, message: bytes, sender: str = FOREIGN) -> tuple[dict[str, Any], float]:
        """The filter's answer and the seconds of processor."""
        self.site.run("mail1", f"base64 -d > {FILE}", given=base64.b64encode(message).decode())
        before = self.ticks()
        answer = self.site.run("mail1", SCAN.format(sender=sender, file=FILE), timeout=180)
        return json.loads(answer), self.ticks() - before

    def unharmed(self) -> bool:
        """Whether the same processes run, and none has crashed."""
        crashes = self.site.run("mail1", CRASHES.format(since=self.since)).strip()
        return crashes == "0" and self.site.run("mail1", WORKERS) == self.processes


@pytest.fixture
def filter_(site: Site) -> Iterator[Filter]:
    yield Filter(site)
    site.run("mail1", f"rm -f {FILE}")


def message(rest: bytes) -> bytes:
    """A stranger's message from its Content-Type on, or from further fields on."""
    head = compose(f"probe@{FOREIGN}", "probe1@ac-exemple.test", "essai").partition(b"\r\n\r\n")[0].split(b"\r\n")
    return b"\r\n".join([*(line for line in head if not line.lower().startswith(b"content-")), rest])


@pytest.mark.parametrize("rest", MESSAGES.values(), ids=MESSAGES)
def test_the_filter_goes_on(filter_: Filter, rest: bytes) -> None:
    answer, used = filter_.scan(message(rest))
    assert "action" in answer, answer
    assert used < MOST
    assert filter_.unharmed()


ZONE = "test."
"""The zone of the simulated internet."""
ATTACK = f"attaque-{token()}"
"""The name in it below which the attacks lie: no resolver knows it from a run before."""
DENIED = 5
"""Seconds for which a resolver may go on denying a name, by a proof for the names around it (RFC 8198)."""
Records = list[tuple[str, str, str]]


def commands(verb: str, records: Records) -> str:
    """Commands of Knot that change records: name below the zone, type, data."""
    lines = [f"{verb} {ZONE} {name} {'60 ' if verb == 'zone-set' else ''}{kind} {data}" for name, kind, data in records]
    return "\n".join([f"zone-begin {ZONE}", *lines, f"zone-commit {ZONE}", ""])


def text(value: str) -> str:
    """The data of a TXT record, in strings of 250 octets, which Knot's shell leaves their quotes."""
    return " ".join(f"""'"{value[at : at + 250]}"'""" for at in range(0, len(value), 250))


def key(bits: int) -> str:
    """An RSA key for DKIM whose modulus is any odd number of so many bits (RFC 6376, 3.6.1; RFC 8017, A.1.1)."""
    modulus = random.Random(1).getrandbits(bits) | 1 | 1 << bits - 1
    integers = der(2, b"\0" + modulus.to_bytes(bits // 8)) + der(2, (65537).to_bytes(3))
    algorithm = der(0x30, bytes.fromhex("06092a864886f70d010101") + der(5, b""))
    public = der(0x30, algorithm + der(3, b"\0" + der(0x30, integers)))
    return text("v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode())


def senders() -> Records:
    """SPF records that include each other and name hosts by MX, each of many addresses."""
    made: Records = [(f"h.{ATTACK}", "A", f"198.51.100.{one}") for one in range(1, 30)]
    for one in range(30):
        made.append((f"m{one}.{ATTACK}", "MX", f"10 h.{ATTACK}.test."))
        made += [(f"m{one}.{ATTACK}", "MX", f"{10 + more} m{more}.{ATTACK}.test.") for more in range(1, 10)]
        more = " ".join(f"include:s{(one + step) % 30}.{ATTACK}.test" for step in (1, 2, 3))
        made.append((f"s{one}.{ATTACK}", "TXT", text(f"v=spf1 mx:m{one}.{ATTACK}.test a:h.{ATTACK}.test {more} -all")))
    return made


DNS: dict[str, tuple[Records, bytes, str]] = {
    "senders that include each other (b80fd076d, ea20c2f59)": (senders(), b"\r\nx\r\n", "R_SPF_"),
    "a key of 16,384 bits (871dc8a12)": (
        [(f"s0._domainkey.cle.{ATTACK}", "TXT", key(16_384))],
        regressions.signatures(1, f"cle.{ATTACK}.test".encode(), 2048) + b"\r\nx\r\n",
        "R_DKIM_",
    ),
    "hundreds of signatures, each with a key (d560f9e8e)": (
        [(f"*._domainkey.signe.{ATTACK}", "TXT", key(2048))],
        regressions.signatures(300, f"signe.{ATTACK}.test".encode()) + b"\r\nx\r\n",
        "R_DKIM_",
    ),
}


@pytest.mark.parametrize(("records", "rest", "seen"), DNS.values(), ids=DNS)
def test_the_filter_goes_on_whatever_the_senders_dns_says(
    filter_: Filter, site: Site, records: Records, rest: bytes, seen: str
) -> None:
    gone = {(name, kind): (name, kind, "") for name, kind, _data in records}
    site.run("world", "knotc", given=commands("zone-set", records))
    time.sleep(DENIED + 1)
    try:
        answer, used = filter_.scan(message(rest), f"s0.{ATTACK}.test")
    finally:
        site.run("world", "knotc", given=commands("zone-unset", list(gone.values())), check=False)
    symbols = answer["symbols"]
    assert [one for one in symbols if one.startswith(seen) and not one.endswith("_NA")], symbols
    assert used < MOST
    assert filter_.unharmed()
