"""Thousands of IMAP sessions that are held open, as phones and mail programs hold them."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

from malleposte.fleet import playbook

from tests.bench import cost
from tests.bench.clients import Session, Target
from tests.bench.measures import platform_target
from tests.bench.size.scale import Scale
from tests.stack.support.people import People
from tests.stack.support.site import Site

AT_ONCE, AGENTS = 8, 200
UNITS = ("dovecot.service", "slapd.service", "authpolicy.service", "valkey-server.service")


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


def sessions(site: Site, scale: Scale) -> dict[str, Any]:
    """Hold so many; memory of the daemons before, with them, and the time of a log-in while they are open."""
    people = People(site)
    uncounted(site, [str(site.lab.settings.network)])
    try:
        readers = [people.agent() for _ in range(min(AGENTS, scale.sessions))]
        with TemporaryDirectory() as folder:
            target = platform_target(site, readers, Path(folder))
            before = {unit: cost.pss(site, "mail1", unit) for unit in UNITS}
            opened, seconds = held(target, scale.sessions)
            try:
                after = {unit: cost.pss(site, "mail1", unit) for unit in UNITS}
                _more, beside = held(target, 20)
                opened += _more
            finally:
                for one in opened:
                    one.sock.close()
    finally:
        people.clear()
        uncounted(site, [])
    dovecot = after["dovecot.service"] - before["dovecot.service"]
    return {
        "held": scale.sessions, "log_in_p95_ms": round(quantiles(seconds, n=20)[-1] * 1000),
        "log_in_beside_p95_ms": round(quantiles(beside, n=20)[-1] * 1000),
        "mib_before": before, "mib_with_them": after, "dovecot_mib_a_session": round(dovecot / scale.sessions, 2),
    }  # fmt: skip
