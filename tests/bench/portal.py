"""The portal under load: pages of many agents at once, first log-ins and password changes, and what bounds them."""

from __future__ import annotations

import contextlib
import json
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

from malleposte.accountd import wire
from malleposte.directory.model import State
from malleposte.policy import rules

from tests.bench import cost
from tests.bench.figures import Figure
from tests.stack.support.people import People
from tests.stack.support.persons import keyring, person
from tests.stack.support.signed_on import SignedOn
from tests.stack.support.site import Site
from tests.stack.support.web import Web

AGENTS = 50
SECONDS = 30.0
THINKING = 1.0
"""Seconds that an agent looks at a page."""
PAGES = ("/", "/compte", "/diagnostic", "/compte/appareils")
EACH = 60
"""First log-ins, and password changes."""
CLIENTS = 8
ALONE = 10
"""Accounts whose channels are closed one after the other."""
HOSTS = ("mail1", "pia1")
"""Those of accounts and mail, and of the portal with the log-in page."""
CHAINS = """
import json, sys, time
sys.path.insert(0, "/usr/lib/malleposte/malleposte.pyz")
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from malleposte.accountd import wire
from malleposte.accountd.client import Client
given = json.load(sys.stdin)
held = json.loads(Path("/etc/malleposte/accountd-client.json").read_text())

def chain(lines):
    begun, ticket = time.monotonic(), ""
    for line in lines:
        ticket = Client(**held).call(wire.decode(line.replace("TICKET", ticket).encode())).ticket or ticket
    return time.monotonic() - begun

begun = time.monotonic()
with ThreadPoolExecutor(given["clients"]) as pool:
    took = list(pool.map(chain, given["chains"]))
print(json.dumps([time.monotonic() - begun, took]))
"""
"""Chains of requests to accountd from the portal's host, so many at once: seconds of all, and of each."""
CLOSING = """
import json, sys, time
sys.path.insert(0, "/usr/lib/malleposte/malleposte.pyz")
from malleposte.accounts import here
from malleposte.accounts.settings import Settings
settings, took = Settings.read(), {}
with settings.directory() as directory:
    channels = here.hosts(settings, directory).channels()
    for uid in json.load(sys.stdin):
        for channel in channels:
            begun = time.monotonic()
            channel.close(uid)
            took.setdefault(channel.name, []).append(time.monotonic() - begun)
print(json.dumps(took))
"""
"""Closes the channels of one account after the other, as hostd does: seconds by channel, another host as one."""


@contextlib.contextmanager
def _web(site: Site) -> Iterator[Web]:
    with TemporaryDirectory() as folder:
        yield Web(site.authorities(Path(folder)))


def pages(site: Site) -> Figure:
    """Fifty agents who are logged in and read one page a second each, from one address."""
    people = People(site)
    try:
        with _web(site) as web:
            visitors = [_entered(site, web, people) for _ in range(AGENTS)]
            before, took = cost.of(site, "pia1"), defaultdict[str, list[float]](list)
            end = time.monotonic() + SECONDS
            with ThreadPoolExecutor(AGENTS) as pool:
                for rows in pool.map(_reads, range(AGENTS), visitors, [end] * AGENTS):
                    for path, seconds in rows:
                        took[path].append(seconds)
            done = sum(map(len, took.values()))
            used = cost.spent(before, cost.of(site, "pia1"), done)
    finally:
        people.clear()
    every = [one for rows in took.values() for one in rows]
    return Figure(
        "portal-pages",
        {
            "pages_per_second": round(done / SECONDS, 1),
            "p50_ms": _ms(median(every)),
            "p95_ms": _ms(quantiles(every, n=20)[-1]),
            "p50_ms_by_page": {path: _ms(median(rows)) for path, rows in took.items()},
            "cpu_ms_a_page": used["all"],
            "by_unit": {unit: value for unit, value in used.items() if unit != "all"},
            "portal_pss_mb": cost.pss(site, "pia1", "portal.service"),
        },
        f"{AGENTS} agents, {THINKING:.0f} s between two pages, a TLS connection a page, for {SECONDS:.0f} s",
    )


def _entered(site: Site, web: Web, people: People) -> SignedOn:
    account, visitor = people.agent(), SignedOn(site, web)
    visitor.log_in(account.uid, account.password)
    assert visitor.ask("/compte").status == 200, account.uid
    return visitor


def _reads(number: int, visitor: SignedOn, end: float) -> list[tuple[str, float]]:
    rows: list[tuple[str, float]] = []
    while time.monotonic() < end:
        path = PAGES[(number + len(rows)) % len(PAGES)]
        begun = time.monotonic()
        answer = visitor.ask(path)
        rows.append((path, time.monotonic() - begun))
        assert answer.status == 200, (path, answer.status)
        time.sleep(max(0.0, THINKING - (time.monotonic() - begun)))
    return rows


def first_day(site: Site) -> Figure:
    """First log-ins (both secrets, charter, password) and password changes, as the portal asks accountd for them."""
    people, keys = People(site), keyring(site)
    try:
        activations: list[list[wire.Request]] = []
        changes: list[list[wire.Request]] = []
        uids = []
        for number in range(EACH):
            who, new, source = person(people, keys, State.PENDING), rules.generate(), f"10.77.{number}.9"
            uids.append(who.uid)
            activations.append([
                wire.Begin(source, who.numen, who.code()), wire.Enrol(source, "TICKET", "charter", "bench"),
                wire.Activate(source, "TICKET", new),
            ])  # fmt: skip
            changes.append([wire.Change(source, who.uid, new, rules.generate())])
        values = {**_chained(site, "first_log_ins", activations), **_chained(site, "changes", changes)}
        values["closing_ms_by_channel"] = _closing(site, uids[:ALONE])
    finally:
        people.clear()
    values["first_log_ins_an_hour"] = round(values["first_log_ins_per_second"] * 3600)
    return Figure("portal-first-day", values, f"{EACH} of each, {CLIENTS} at once, each from a network of its own")


def _chained(site: Site, name: str, chains: Sequence[Sequence[wire.Request]]) -> dict[str, Any]:
    lines = [[wire.encode(one).decode() for one in chain] for chain in chains]
    before = {host: cost.of(site, host) for host in HOSTS}
    told = site.run(
        "pia1", "python3", "-I", "-c", f"'{CHAINS}'", given=json.dumps({"chains": lines, "clients": CLIENTS})
    )
    used = {host: cost.spent(before[host], cost.of(site, host), len(chains)) for host in HOSTS}
    seconds, each = json.loads(told)
    return {
        f"{name}_per_second": round(len(chains) / seconds, 2),
        f"{name}_p50_ms": _ms(median(each)),
        f"{name}_p95_ms": _ms(quantiles(each, n=20)[-1]),
        **{
            f"{name}_cpu_ms_{host}": {unit: value for unit, value in used[host].items() if value >= 1} for host in HOSTS
        },
    }


def _closing(site: Site, uids: Sequence[str]) -> dict[str, int]:
    told = json.loads(site.run("mail1", "python3", "-I", "-c", f"'{CLOSING}'", given=json.dumps(uids)))
    return {channel: _ms(median(rows)) for channel, rows in told.items()}


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
