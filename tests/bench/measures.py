"""The measurements of the mail path, each beside Debian's defaults on the same machine in the same run."""

import contextlib
import datetime
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from malleposte.accounts.devices import acts as devices
from malleposte.accounts.devices import follow
from malleposte.accounts.journal import Journal
from malleposte.fleet import playbook

from tests.bench import cost, stock
from tests.bench.clients import PATIENCE, Target, blast, each_once_per_second, log_ins_per_second, to_mailbox
from tests.bench.figures import Figure
from tests.stack.support.mail import wait_for
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site

MAILBOXES = 20
EACH = 50
MAIL_ROUNDS = 3
SENDER = "probe@lointain.test"
SECONDS = 8.0
LOGIN_ROUNDS = 3
ROUNDS = 10
PSS = "cat /proc/[0-9]*/smaps_rollup 2>/dev/null | awk '/^Pss:/ {sum += $2} END {print sum}'"
BY_NAME = (
    "for p in /proc/[0-9]*; do c=$(cat $p/comm 2>/dev/null); "
    "awk -v c=\"$c\" '/^Pss:/ {print $2, c}' $p/smaps_rollup 2>/dev/null; done "
    "| awk '{pss[$2] += $1} END {for (c in pss) print int(pss[c] / 1024), c}' | sort -rn | head -8"
)


@contextlib.contextmanager
def agents(site: Site) -> Iterator[list[Account]]:
    """Twenty mailboxes of their own."""
    people = People(site)
    try:
        yield [people.agent() for _ in range(MAILBOXES)]
    finally:
        people.clear()


@contextlib.contextmanager
def no_rate_limit(site: Site) -> Iterator[None]:
    """The world may send as fast as it can: the measure is of speed, not of the limit on strangers."""
    extra = json.dumps({"postfix_rate_exempt_networks": [f"{site.address('world')}/32"]})
    _postfix(site, extra)
    try:
        yield
    finally:
        _postfix(site)


def _postfix(site: Site, *extra: str) -> None:
    options = playbook.Options(site.inventory, limit="mail1", tags="postfix", extra=extra)
    playbook.ensure(playbook.run(options, to_stderr=True, name="bench"), "deploy")


def mailing(run: Callable[[str], str], send: Callable[[int], object], queued: Callable[[], int]) -> dict[str, Any]:
    """Rounds of mail to a host that `run` runs commands on: the median rates, and processor time a message by unit."""
    send(1)  # passes postscreen's wait, makes the mailboxes
    wait_for(lambda: not queued(), 120, "the queue is empty")
    before = cost.counters(run)
    rounds = [to_mailbox(lambda: send(EACH), queued, MAILBOXES * EACH) for _ in range(MAIL_ROUNDS)]
    used = cost.spent(before, cost.counters(run), MAILBOXES * EACH * MAIL_ROUNDS)
    return {
        "accepted_per_second": round(median(each.accepted for each in rounds), 1),
        "to_mailbox_per_second": round(median(each.stored for each in rounds), 1),
        "to_mailbox_each_round": [round(each.stored, 1) for each in rounds],
        "cpu_ms_a_message": used["all"],
        "by_unit": {unit: value for unit, value in used.items() if unit != "all"},
    }


def smtp_in(site: Site) -> Figure:
    """From a foreign host to the mailbox, every filter on; then the same to Debian's defaults."""

    def sender(address: str, recipients: Sequence[str]) -> Callable[[int], object]:
        return lambda each: site.run("world", blast(address, SENDER, recipients, each), timeout=PATIENCE)

    def queued() -> int:
        return len(site.run("mail1", "postqueue -j").splitlines())

    def run(command: str) -> str:
        return site.run("mail1", command)

    with agents(site) as readers, no_rate_limit(site):
        ours = mailing(run, sender(site.address("mail1"), [reader.mail for reader in readers]), queued)
        found = sum(stored(site, reader) for reader in readers)
        if found != MAILBOXES * (EACH * MAIL_ROUNDS + 1):
            raise AssertionError(f"{found} messages in the mailboxes, {MAILBOXES * (EACH * MAIL_ROUNDS + 1)} sent")
    with stock.host(site, MAILBOXES) as (lab, target, addresses):

        def on_stock(command: str) -> str:
            return lab.ssh(stock.NAME, ["sh", "-c", command]).out

        plain = mailing(on_stock, sender(target.address, addresses), lambda: len(on_stock("postqueue -j").splitlines()))
    return Figure(
        "smtp-in",
        {
            **ours,
            "debian_to_mailbox_per_second": plain["to_mailbox_per_second"],
            "debian_cpu_ms_a_message": plain["cpu_ms_a_message"],
            "debian_by_unit": plain["by_unit"],
            "ratio": round(ours["to_mailbox_per_second"] / plain["to_mailbox_per_second"], 2),
            "cpu_ratio": round(ours["cpu_ms_a_message"] / plain["cpu_ms_a_message"], 2),
        },
        f"{MAILBOXES} mailboxes, 5 kB, {MAILBOXES} senders, a connection a message, "
        f"median of {MAIL_ROUNDS} rounds of {MAILBOXES * EACH}",
    )


def stored(site: Site, reader: Account) -> int:
    """Messages in an account, wherever they were filed."""
    text = site.run("mail1", f"doveadm -f flow mailbox status -u {reader.uid} -t messages '*'")
    return int(text.strip().rpartition("=")[2])


def platform_target(site: Site, readers: list[Account], folder: Path) -> Target:
    """mail1 as its agents see it."""
    bundle = site.authorities(folder)
    users = [(reader.uid, reader.password) for reader in readers]
    return Target(site.address("mail1"), str(site.platform["hostnames"]["mail"]), users, str(bundle))


def log_ins(site: Site) -> Figure:
    """IMAP log-ins a second: warm (the password is in Dovecot's cache) and cold (the directory is asked)."""
    with TemporaryDirectory() as folder, agents(site) as readers:
        target = platform_target(site, readers, Path(folder))
        log_ins_per_second(target, 3)
        before, begun = cost.counters(lambda command: site.run("mail1", command)), time.monotonic()
        warm = [log_ins_per_second(target, SECONDS) for _ in range(LOGIN_ROUNDS)]
        done = round(sum(warm) / LOGIN_ROUNDS * (time.monotonic() - begun))
        used = cost.spent(before, cost.counters(lambda command: site.run("mail1", command)), done)
        cold = each_once_per_second(target, ROUNDS, lambda: _forget(site))
    with stock.host(site, MAILBOXES) as (_, plain, _addresses):
        log_ins_per_second(plain, 3)
        debian = median(log_ins_per_second(plain, SECONDS) for _ in range(LOGIN_ROUNDS))
    return Figure(
        "log-ins",
        {
            "warm_per_second": round(median(warm), 1),
            "warm_each_round": [round(rate, 1) for rate in warm],
            "warm_cpu_ms_a_log_in": used["all"],
            "cold_per_second": round(cold, 1),
            "debian_per_second": round(debian, 1),
            "warm_ratio": round(median(warm) / debian, 2),
            "cold_ratio": round(cold / debian, 2),
        },
        "IMAP over TLS, connect, log in, log out, 8 clients on the same machine",
    )


def device_log_ins(site: Site) -> Figure:
    """Cold IMAP log-ins a second by device passwords beside the agents' own, round about in one run."""
    rates: dict[str, list[float]] = {"main": [], "device": []}
    used: dict[str, float] = {}
    with TemporaryDirectory() as folder, agents(site) as readers:
        own = platform_target(site, readers, Path(folder))
        with site.directory() as directory, Journal(Path(folder) / "journal", "bench") as journal:
            now, wanted = datetime.datetime.now(datetime.UTC), devices.Specification("bench", ("imap",))
            made = [(one.uid, devices.add(directory, journal, one.uid, wanted, now).password) for one in readers]
        targets = {"main": own, "device": replace(own, users=made)}
        for target in targets.values():
            each_once_per_second(target, 1, lambda: _forget(site))
        for _ in range(LOGIN_ROUNDS):
            for name, target in targets.items():
                before = cost.counters(lambda command: site.run("mail1", command))
                rates[name].append(each_once_per_second(target, ROUNDS, lambda: _forget(site)))
                after = cost.counters(lambda command: site.run("mail1", command))
                used[name] = cost.spent(before, after, MAILBOXES * ROUNDS)["all"]
        with site.directory() as directory, Journal(Path(folder) / "journal", "bench") as journal:
            for reader in readers:
                follow.remove_all(directory, journal, reader.uid, "bench")
    return Figure(
        "device-log-ins",
        {
            **{f"{name}_cold_per_second": round(median(each), 1) for name, each in rates.items()},
            **{f"{name}_each_round": [round(rate, 1) for rate in each] for name, each in rates.items()},
            **{f"{name}_cpu_ms_a_log_in": value for name, value in used.items()},
            "ratio": round(median(rates["device"]) / median(rates["main"]), 2),
        },
        f"IMAP over TLS, 8 clients on the same machine, {LOGIN_ROUNDS} rounds each of {MAILBOXES * ROUNDS} log-ins",
    )


def _forget(site: Site) -> None:
    site.run("mail1", "doveadm auth cache flush")


def memory(site: Site) -> Figure:
    """Memory of the idle mail1: the proportional set size of all its processes."""
    total = int(site.run("mail1", PSS)) // 1024
    largest = ", ".join(" ".join(reversed(line.split())) for line in site.run("mail1", BY_NAME).splitlines())
    return Figure("memory", {"pss_mb": total}, largest)
