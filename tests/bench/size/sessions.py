"""Thousands of IMAP sessions that are held open, as phones and mail programs hold them."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

from malleposte.fleet import playbook

from tests.bench import cost
from tests.bench.clients import Session, Target
from tests.bench.measures import platform_target
from tests.bench.size.host import costs
from tests.bench.size.record import Step
from tests.bench.size.scale import Scale
from tests.stack.support.people import People
from tests.stack.support.site import Site

AT_ONCE, AGENTS = 8, 200
BESIDE = 20
UNITS = (
    "dovecot", "slapd", "authpolicy", "accountd", "malleposte-hostd", "malleposte-lists", "malleposte-deliveries",
    "malleposte-guard", "valkey-server", "postfix", "rspamd", "sogo", "postgresql@17-main", "nginx",
)  # fmt: skip


def held(target: Target, many: int) -> tuple[list[Session], list[float]]:
    """Open sessions and leave each in IDLE; return them and the seconds of each log-in."""
    context = target.context()

    def one(number: int) -> tuple[Session, float]:
        begun = time.monotonic()
        session = Session(target, context)
        session.login(*target.users[number % len(target.users)])
        session.select("INBOX")
        session.send(b"i IDLE\r\n")
        assert session.readline().startswith(b"+")
        return session, time.monotonic() - begun

    with ThreadPoolExecutor(AT_ONCE) as pool:
        pairs = list(pool.map(one, range(many)))
    return [session for session, _ in pairs], [seconds for _, seconds in pairs]


def uncounted(site: Site, networks: list[str]) -> None:
    """Let addresses open as many connections as they like: all sessions come from one machine here."""
    extra = json.dumps({"nftables_uncounted_networks": networks}) if networks else ""
    options = playbook.Options(site.inventory, limit="mail1", tags="nftables", extra=(extra,) if extra else ())
    playbook.ensure(playbook.run(options, to_stderr=True, name="bench"), "deploy")


def sessions(site: Site, scale: Scale) -> Iterator[Step]:
    """Hold so many; memory of the daemons before, with them, and the time of a log-in while they are open."""
    people = People(site)
    uncounted(site, [str(site.lab.settings.network)])
    try:
        readers = [people.agent() for _ in range(min(AGENTS, scale.sessions))]
        with TemporaryDirectory() as folder:
            target = platform_target(site, readers, Path(folder))
            before = memory(site)
            yield "mib_before", before
            opened = list[Session]()
            try:
                with costs(site) as values:
                    opened, seconds = held(target, scale.sessions)
                yield "held", values | {"sessions": scale.sessions, "log_in_p95_ms": p95(seconds)}
                after = memory(site)
                yield "mib_with_them", after
                more, beside = held(target, BESIDE)
                opened += more
                yield "log_in_beside_p95_ms", p95(beside)
            finally:
                for one in opened:
                    one.sock.close()
        yield "dovecot_mib_a_session", round((after["dovecot"] - before["dovecot"]) / scale.sessions, 2)
    finally:
        people.clear()
        uncounted(site, [])


def memory(site: Site) -> dict[str, int]:
    """Return the memory of each daemon."""
    return {unit: cost.pss(site, "mail1", f"{unit}.service") for unit in UNITS}


def p95(seconds: list[float]) -> int:
    return round(quantiles(seconds, n=20)[-1] * 1000)
