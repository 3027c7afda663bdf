"""The portal under load: pages of many agents at once, first log-ins and password changes, and what bounds them."""

import contextlib
import json
import time
import urllib.parse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

from malleposte.accountd import codec
from malleposte.accountd.calls import enrolment, passwords
from malleposte.accountd.message import Request
from malleposte.directory.model import State
from malleposte.policy import rules

from tests.bench import cost
from tests.bench.figures import Figure
from tests.stack.support.deployed import with_facts
from tests.stack.support.people import People
from tests.stack.support.persons import Person, keyring, person
from tests.stack.support.signed_on import SignedOn
from tests.stack.support.site import Site
from tests.stack.support.visitor import Visitor
from tests.stack.support.web import Answer, Web
from tests.support.page import Page

AGENTS = 50
SECONDS = 30.0
PACES = (5.0, 2.0, 1.0)
"""Seconds from one page of an agent to the next, one load after the other."""
PAGES = ("/", "/compte", "/diagnostic", "/compte/appareils")
EACH = 60
"""First log-ins, and password changes."""
CLIENTS = 8
FORMS = 50
"""First log-ins by forms, of thirteen calls of accountd each: more than a network has that is not of schools."""
QUESTIONS = 5
"""Those without JavaScript, of which a network has twenty."""
ALONE = 10
"""Accounts whose channels are closed one after the other."""
HOSTS = ("mail1", "pia1")
"""Those of accounts and mail, and of the portal with the log-in page."""
CHAINS = """
import json, sys, time
sys.path.insert(0, "/usr/lib/malleposte/malleposte.pyz")
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from malleposte.accountd import codec
from malleposte.accountd.call import load
from malleposte.accountd.client import Client
load()
given = json.load(sys.stdin)
held = json.loads(Path("/etc/malleposte/accountd-client.json").read_text())

def chain(lines):
    begun, ticket = time.monotonic(), ""
    for line in lines:
        answer = Client(**held).call(codec.decode(line.replace("TICKET", ticket).encode()))
        ticket = getattr(answer, "ticket", "") or ticket
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
    """Fifty agents who are logged in and read pages, faster from one load to the next, from one address."""
    people = People(site)
    try:
        with _web(site) as web:
            visitors = [_entered(site, web, people) for _ in range(AGENTS)]
            loads = {f"{pace:g}_s": _load(site, visitors, pace) for pace in PACES}
    finally:
        people.clear()
    return Figure(
        "portal-pages",
        {**loads, "portal_pss_mb": cost.pss(site, "pia1", "portal.service")},
        f"{AGENTS} agents, one after the other, so many seconds from one page of each to the next, a TLS connection a "
        f"page, for {SECONDS:.0f} s",
    )


def _load(site: Site, visitors: Sequence[SignedOn], pace: float) -> dict[str, Any]:
    before = {host: cost.of(site, host) for host in HOSTS}
    took = defaultdict[str, list[float]](list)
    end = time.monotonic() + SECONDS
    with ThreadPoolExecutor(AGENTS) as pool:
        for rows in pool.map(_reads, range(AGENTS), visitors, [pace] * AGENTS, [end] * AGENTS):
            for path, seconds in rows:
                took[path].append(seconds)
    every = [one for rows in took.values() for one in rows]
    used = {host: cost.spent(before[host], cost.of(site, host), len(every)) for host in HOSTS}
    return {
        "pages_per_second": round(len(every) / SECONDS, 1),
        "p50_ms": _ms(median(every)),
        "p95_ms": _ms(quantiles(every, n=20)[-1]),
        "p50_ms_by_page": {path: _ms(median(rows)) for path, rows in took.items()},
        "cpu_ms_a_page": {host: units.pop("all") for host, units in used.items()},
        "by_unit": used,
    }


def _entered(site: Site, web: Web, people: People) -> SignedOn:
    account, visitor = people.agent(), SignedOn(site, web)
    visitor.log_in(account.uid, account.password)
    assert visitor.ask("/compte").status == 200, account.uid
    return visitor


def _reads(number: int, visitor: SignedOn, pace: float, end: float) -> list[tuple[str, float]]:
    rows: list[tuple[str, float]] = []
    time.sleep(pace * number / AGENTS)  # else all would ask at the same moments, and wait for each other
    while time.monotonic() < end:
        path = PAGES[(number + len(rows)) % len(PAGES)]
        begun = time.monotonic()
        answer = visitor.ask(path)
        rows.append((path, time.monotonic() - begun))
        assert answer.status == 200, (path, answer.status)
        time.sleep(max(0.0, pace - (time.monotonic() - begun)))
    return rows


def first_day(site: Site) -> Figure:
    """First log-ins (both secrets, charter, password) and password changes, as the portal asks accountd for them."""
    people, keys = People(site), keyring(site)
    try:
        activations: list[list[Request[Any]]] = []
        changes: list[list[Request[Any]]] = []
        uids = []
        for number in range(EACH):
            who, new, source = person(people, keys, State.PENDING), rules.generate(), f"10.77.{number}.9"
            uids.append(who.uid)
            activations.append([
                enrolment.Begin(source, who.numen, who.code()), enrolment.Enrol(source, "TICKET", "charter", "bench"),
                enrolment.Activate(source, "TICKET", new),
            ])  # fmt: skip
            changes.append([passwords.Change(source, who.uid, new, rules.generate())])
        values = {**_chained(site, "first_log_ins", activations), **_chained(site, "changes", changes)}
        values["closing_ms_by_channel"] = _closing(site, uids[:ALONE])
    finally:
        people.clear()
    values["first_log_ins_an_hour"] = round(values["first_log_ins_per_second"] * 3600)
    return Figure("portal-first-day", values, f"{EACH} of each, {CLIENTS} at once, each from a network of its own")


@dataclass
class Timed(Visitor):
    """A browser that notes how long each page takes, and fetches what pages are made of once."""

    took: list[tuple[str, float, int]] = field(default_factory=list)
    """Method and path, seconds, status, of each request in turn."""
    known: set[str] = field(default_factory=set)

    def _asked(self, path: str, method: str = "GET", body: bytes | None = None) -> Answer:
        begun = time.monotonic()
        answer = super()._asked(path, method, body)
        self.took.append((f"{method} {path}", time.monotonic() - begun, answer.status))
        return answer

    def looked_at(self, path: str) -> Page:
        """The page at an address, with its styles and scripts."""
        page = self.get(path)
        parts = [held.get("href") for held, _text in page.all("link") if held.get("rel") in ("stylesheet", "icon")]
        parts += [held.get("src") for held, _text in page.all("script")] if self.javascript else []
        for part in [str(one) for one in parts if one and one not in self.known]:
            self.known.add(part)
            begun = time.monotonic()
            answer = self.web.get(self.site.address("pia1"), self.site.platform["hostnames"]["portal"], part)
            self.took.append(("part", time.monotonic() - begun, answer.status))
        return page

    def typed(self, path: str, page: Page, **values: str) -> Page:
        """Send the form of a page that is in view; the page that it leads to."""
        token = next(str(held["value"]) for held, _t in page.all("input") if held.get("name") == "csrf_token")
        sent = {"csrf_token": token, **self._human(page), **values}
        answer = self._asked(path, "POST", urllib.parse.urlencode(sent).encode())
        assert answer.status == 303, (path, answer.status, answer.text[-2000:])
        return self.looked_at(answer.headers["Location"])


def _by_forms(site: Site, web: Web, who: Person, new: str, *, javascript: bool) -> Timed:
    """A first log-in, page by page: secrets, telephone and address passed over, charter, password."""
    browser, step = Timed(site, web, javascript), "/activer/etape"
    page = browser.typed("/activer", browser.looked_at("/activer"), numen=who.numen, code=who.code())
    for values in ({"step": "phone", "skip": "1"}, {"step": "mail", "skip": "1"}, {"step": "charter", "value": "y"},
                   {"step": "password", "new": new, "again": new}):  # fmt: skip
        page = browser.typed(step, page, **values)
    assert who.held("mpState")["mpState"] == ["active"], who.uid
    return browser


def first_day_forms(site: Site) -> Figure:
    """First log-ins as browsers make them: HTTPS, nginx, gunicorn, each page and its work, from a school's address."""
    people, keys, here = People(site), keyring(site), str(site.lab.settings.network[1])
    values: dict[str, Any] = {}
    try:
        known = {"malleposte_school_networks": [f"{here}/32"]}
        school = with_facts(site, ",".join(HOSTS), "nginx,accountd", **known)
        with _web(site) as web, school:
            for name, count, javascript in (("javascript", FORMS, True), ("question", QUESTIONS, False)):
                persons = [person(people, keys, State.PENDING) for _ in range(count)]

                def done(who: Person, javascript: bool = javascript) -> Timed:
                    return _by_forms(site, web, who, rules.generate(), javascript=javascript)

                before, begun = {host: cost.of(site, host) for host in HOSTS}, time.monotonic()
                with ThreadPoolExecutor(CLIENTS) as pool:
                    browsers = list(pool.map(done, persons))
                seconds = time.monotonic() - begun
                used = {host: cost.spent(before[host], cost.of(site, host), count) for host in HOSTS}
                values |= _told(name, seconds, browsers, used)
    finally:
        people.clear()
    return Figure(
        "portal-first-day-forms",
        values,
        f"{FORMS} with JavaScript and {QUESTIONS} without, {CLIENTS} at once, a TLS connection a request, the clients "
        "and their work on the same processors; the clients' address is that of a school",
    )


def _told(name: str, seconds: float, browsers: Sequence[Timed], used: dict[str, dict[str, float]]) -> dict[str, Any]:
    took = [one for browser in browsers for one in browser.took]
    by = defaultdict[str, list[float]](list)
    for what, spent, _status in took:
        by[what.partition("?")[0]].append(spent)
    pages = [spent for what, rows in by.items() if what != "part" for spent in rows]
    return {
        f"{name}_an_hour": round(len(browsers) / seconds * 3600),
        f"{name}_page_p50_ms": _ms(median(pages)),
        f"{name}_page_p95_ms": _ms(quantiles(pages, n=20)[-1]),
        f"{name}_p50_ms_by_page": {what: _ms(median(rows)) for what, rows in by.items()},
        f"{name}_refused": len([status for _what, _spent, status in took if status >= 400]),
        **{
            f"{name}_cpu_ms_{host}": {unit: value for unit, value in used[host].items() if value >= 5} for host in HOSTS
        },
    }


def _chained(site: Site, name: str, chains: Sequence[Sequence[Request[Any]]]) -> dict[str, Any]:
    lines = [[codec.encode(one).decode() for one in chain] for chain in chains]
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
