"""The two webmails under load: from the log-in to the inbox, the memory of an agent, a full month of SOGo's agenda."""

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

from tests.bench import cost
from tests.bench.figures import Figure
from tests.stack.support.groupware import Groupware, event
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site
from tests.stack.support.web import Web
from tests.stack.support.webmail import Webmail

AGENTS = 20
MESSAGES = 50
ROUNDS = 2
EVENTS = 1000
WRITERS = 4
MONTHS = 20
LISTENS = "for _ in $(seq 100); do ss -ltnH sport = :20000 | grep -q . && exit; sleep 0.3; done; exit 1"
DEBIAN_WORKERS = 3
"""SOGo's, as its Debian package starts it."""
UNITS = {"roundcube": "php8.4-fpm.service", "sogo": "sogo.service"}
MONTH = "Calendar/eventsblocks?day=20300115&view=monthview"
CONFIGURATION = "/etc/sogo/sogo.conf"
FILL = """
import os, pwd, sys
home, count = sys.argv[1], int(sys.argv[2])
for part in ("cur", "new", "tmp"):
    os.makedirs(f"{home}/Maildir/{part}", exist_ok=True)
for number in range(count):
    with open(f"{home}/Maildir/cur/{1700000000 + number}.M{number}P1.bench:2,", "w") as file:
        file.write(f"From: Collegue {number} <c{number}@lointain.test>\\nTo: moi@ac-exemple.test\\n"
                   f"Subject: Reunion {number}\\nDate: Mon, 05 Jan 2026 08:00:00 +0100\\n"
                   f"Message-ID: <{number}@lointain.test>\\n\\nBonjour,\\n" + "Le conseil de classe.\\n" * 40)
os.system(f"chown -R vmail:vmail {home}")
"""


def inbox(site: Site) -> Figure:
    """Twenty agents at once, each from the log-in page to the list of their messages, in both webmails."""
    values: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        cafile = site.authorities(Path(folder))
        web = Web(cafile)

        def roundcube(account: Account) -> None:
            visitor = Webmail(site, web)
            assert visitor.login(account.uid, account.password), account.uid
            assert "Reunion" in visitor.list(), account.uid

        def sogo(account: Account) -> None:
            visitor = Groupware(site, cafile, account).login()
            assert len(visitor.listed()) > 0, account.uid

        values |= _entered(site, "roundcube", "roundcube", roundcube)
        values |= _entered(site, "sogo", "convergence", sogo)
        with _workers(site, cafile, DEBIAN_WORKERS):
            values |= _entered(site, "sogo_debian_workers", "convergence", sogo)
    return Figure(
        "webmail-inbox", values, f"{AGENTS} agents at once, {MESSAGES} messages each, {ROUNDS} rounds of new agents"
    )


def _entered(site: Site, name: str, profile: str, enter: Callable[[Account], None]) -> dict[str, Any]:
    unit, took = UNITS[name.partition("_")[0]], list[float]()
    people = People(site)

    def timed(account: Account) -> float:
        begun = time.monotonic()
        enter(account)
        return time.monotonic() - begun

    try:
        rounds = [[people.agent(profile=profile) for _ in range(AGENTS)] for _ in range(ROUNDS)]
        for one in rounds:
            for account in one:
                _fill(site, account, MESSAGES)
        idle, before = cost.pss(site, "mail1", unit), {host: cost.of(site, host) for host in ("mail1", "pia1")}
        with ThreadPoolExecutor(AGENTS) as pool:
            for one in rounds:
                took += pool.map(timed, one)
        used = {host: cost.spent(row, cost.of(site, host), AGENTS * ROUNDS) for host, row in before.items()}
        full = cost.pss(site, "mail1", unit)
    finally:
        people.clear()
    return {
        f"{name}_p50_ms": round(median(took) * 1000),
        f"{name}_p95_ms": round(quantiles(took, n=20)[-1] * 1000),
        f"{name}_cpu_ms": {host: rows["all"] for host, rows in used.items()},
        f"{name}_pss_mb": [idle, full],
        f"{name}_mb_an_agent": round(max(0, full - idle) / AGENTS, 2),
    }


def _fill(site: Site, account: Account, count: int) -> None:
    home = site.run("mail1", f"doveadm user -f home {account.uid}").strip()
    site.run("mail1", f"python3 - {home} {count}", given=FILL)


@contextlib.contextmanager
def _workers(site: Site, cafile: Path, count: int) -> Iterator[None]:
    """SOGo with another number of workers, for a while."""
    kept = f"{CONFIGURATION}.bench"
    site.run("mail1", f"cp -p {CONFIGURATION} {kept}")
    site.run("mail1", f"sed -i 's/WOWorkersCount = [0-9]*;/WOWorkersCount = {count};/' {CONFIGURATION}")
    assert f"WOWorkersCount = {count};" in site.run("mail1", f"cat {CONFIGURATION}"), "it is written in another way"
    try:
        site.run("mail1", f"systemctl restart sogo; {LISTENS}")
        yield
    finally:
        site.run("mail1", f"mv {kept} {CONFIGURATION}; systemctl restart sogo; {LISTENS}")


def month(site: Site) -> Figure:
    """SOGo's view of a month with a thousand events, of one with a few, and of the first with SOGo's memory emptied."""
    people = People(site)
    try:
        with TemporaryDirectory() as folder:
            visitor = Groupware(site, site.authorities(Path(folder)), people.agent(profile="convergence")).login()
            few = _months(visitor, _add(visitor, 10))
            full = _months(visitor, 10 + _add(visitor, EVENTS - 10, 10))
            before = cost.of(site, "mail1")
            again = _months(visitor, EVENTS)
            used = cost.spent(before, cost.of(site, "mail1"), MONTHS)
            site.run("mail1", "systemctl restart memcached")
            cold = _months(visitor, EVENTS, 1)
    finally:
        people.clear()
    return Figure(
        "sogo-month",
        {
            "p50_ms_10_events": round(median(few) * 1000),
            "p50_ms": round(median(full + again) * 1000),
            "p95_ms": round(quantiles(full + again, n=20)[-1] * 1000),
            "first_after_memcached_was_emptied_ms": round(cold[0] * 1000),
            "cpu_ms": used["all"],
        },
        f"{EVENTS} events in the month, one agent, twice {MONTHS} views",
    )


def _add(visitor: Groupware, count: int, first: int = 0) -> int:
    """Store events, a few of which fall on each day of the month; how many."""

    def put(number: int) -> int:
        day, hour = number % 31 + 1, 8 + number // 31 % 10
        when = {"start": f"203001{day:02}T{hour:02}0000", "end": f"203001{day:02}T{hour:02}4500"}
        text = event(f"banc-{number}", f"Conseil {number}", **when)
        return visitor.put(f"Calendar/personal/banc-{number}.ics", text, "text/calendar")

    with ThreadPoolExecutor(WRITERS) as pool:
        done = list(pool.map(put, range(first, first + count)))
    assert set(done) == {201}, set(done)
    return count


def _months(visitor: Groupware, events: int, count: int = MONTHS) -> list[float]:
    took = []
    for _ in range(count):
        begun = time.monotonic()
        answer = visitor.get(visitor.own(MONTH))
        took.append(time.monotonic() - begun)
        assert answer.status == 200 and answer.text.count("Conseil ") == events, (answer.status, answer.text[:300])
    return took
