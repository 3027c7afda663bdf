"""The measurements of the mail path, each beside Debian's defaults on the same machine in the same run."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from malleposte import playbook

from tests.bench import stock
from tests.bench.clients import Target, blast, each_once_per_second, log_ins_per_second, to_mailbox
from tests.bench.figures import Figure
from tests.stack.support.mail import wait_for
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site

MAILBOXES = 20
EACH = 100
SECONDS = 15.0
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


def smtp_in(site: Site) -> Figure:
    """From a foreign host to the mailbox, every filter on."""

    def queued(host: str) -> int:
        return len(site.run(host, "postqueue -j").splitlines())

    with agents(site) as readers, no_rate_limit(site):
        sender = "probe@lointain.test"
        address = site.address("mail1")
        recipients = [reader.mail for reader in readers]
        # The first messages pass postscreen's wait and make the mailboxes.
        site.run("world", blast(address, sender, recipients, 1), timeout=300)
        wait_for(lambda: not queued("mail1"), 120, "the queue of mail1 is empty")
        values: dict[str, float | int | str] = dict(
            to_mailbox(
                lambda command: site.run("world", command, timeout=1200),
                lambda: queued("mail1"),
                blast(address, sender, recipients, EACH),
                MAILBOXES * EACH,
            )
        )
        found = sum(stored(site, reader) for reader in readers)
        if found != MAILBOXES * (EACH + 1):
            raise AssertionError(f"{found} messages in the mailboxes, {MAILBOXES * (EACH + 1)} sent")
    with stock.host(site, MAILBOXES) as (lab, target, addresses):
        plain = to_mailbox(
            lambda command: site.run("world", command, timeout=1200),
            lambda: len(lab.ssh(stock.NAME, ["postqueue", "-j"]).out.splitlines()),
            blast(target.address, "probe@lointain.test", addresses, EACH),
            MAILBOXES * EACH,
        )
    values["debian_to_mailbox_per_second"] = plain["to_mailbox_per_second"]
    values["ratio"] = round(float(values["to_mailbox_per_second"]) / plain["to_mailbox_per_second"], 2)
    return Figure("smtp-in", values, f"{MAILBOXES} mailboxes, 5 kB, {MAILBOXES} sessions")


def stored(site: Site, reader: Account) -> int:
    """Messages in an account, wherever they were filed."""
    text = site.run("mail1", f"doveadm -f flow mailbox status -u {reader.uid} -t messages '*'")
    return int(text.strip().rpartition("=")[2])


def platform_target(site: Site, readers: list[Account], folder: Path) -> Target:
    """mail1 as its agents see it."""
    bundle = folder / "ca.crt"
    bundle.write_text(site.run("mail1", "cat", "/etc/ssl/certs/ca-certificates.crt"))
    users = [(reader.uid, reader.password) for reader in readers]
    return Target(site.address("mail1"), str(site.platform["hostnames"]["mail"]), users, str(bundle))


def log_ins(site: Site) -> Figure:
    """IMAP log-ins a second: warm (the password is in Dovecot's cache) and cold (the directory is asked)."""
    with TemporaryDirectory() as folder, agents(site) as readers:
        target = platform_target(site, readers, Path(folder))
        log_ins_per_second(target, 3)
        warm = log_ins_per_second(target, SECONDS)
        cold = each_once_per_second(target, ROUNDS, lambda: _forget(site))
    with stock.host(site, MAILBOXES) as (_, plain, _addresses):
        log_ins_per_second(plain, 3)
        debian = log_ins_per_second(plain, SECONDS)
    return Figure(
        "log-ins",
        {
            "warm_per_second": round(warm, 1),
            "cold_per_second": round(cold, 1),
            "debian_per_second": round(debian, 1),
            "warm_ratio": round(warm / debian, 2),
            "cold_ratio": round(cold / debian, 2),
        },
        "IMAP over TLS, connect, log in, log out, 8 clients on the same machine",
    )


def _forget(site: Site) -> None:
    site.run("mail1", "doveadm auth cache flush")


def memory(site: Site) -> Figure:
    """Memory of the idle mail1: the proportional set size of all its processes."""
    total = int(site.run("mail1", PSS)) // 1024
    largest = ", ".join(" ".join(reversed(line.split())) for line in site.run("mail1", BY_NAME).splitlines())
    return Figure("memory", {"pss_mb": total}, largest)
