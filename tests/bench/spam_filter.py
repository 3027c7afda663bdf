"""Processor time of the spam filter a message, with some of its scripts and without them, in turn in one run."""

from __future__ import annotations

from statistics import median

from tests.bench import cost
from tests.bench.figures import Figure
from tests.stack.support import corpus
from tests.stack.support.mail import FOREIGN, wait_for
from tests.stack.support.scans import verdicts
from tests.stack.support.site import Site

SCRIPTS = ("contacts", "dangers", "deliveries", "quarantine", "waves")
"""Those of hostile mail: known senders, dangerous contents, the index of deliveries, quarantine, retracted waves."""
TURNS, WARM = 10, 40
UNIT = "rspamd.service"
PLACE, ASIDE = "/etc/rspamd/lua.local.d", "/run/bench-lua"
ANSWERS = "rspamc -h /run/rspamd/controller.sock stat"


def settle(site: Site, *, scripts: bool) -> None:
    """Have the filter run with these scripts, or without them."""
    source, target = (ASIDE, PLACE) if scripts else (PLACE, ASIDE)
    files = " ".join(f"{source}/{name}.lua" for name in SCRIPTS)
    site.run("mail1", f"mkdir -p {ASIDE}; mv {files} {target}/; systemctl restart rspamd")
    wait_for(lambda: "scanned" in site.run("mail1", ANSWERS, check=False), 60, "the filter")


def milliseconds(site: Site, messages: list[str]) -> float:
    """Processor time of the filter a message, once it is warm."""
    envelope = {"IP": site.address("world"), "Hostname": FOREIGN, "Helo": FOREIGN, "From": f"probe@{FOREIGN}"}
    verdicts(site, messages[:WARM], **envelope)
    before = cost.of(site, "mail1")
    verdicts(site, messages, **envelope)
    return (cost.of(site, "mail1")[UNIT] - before[UNIT]) / 1000 / len(messages)


def spam_filter(site: Site) -> Figure:
    """The ratio of each turn is that of two measures which follow each other; which is first changes by turns."""
    messages = [one.message.decode("utf-8", "surrogateescape") for one in corpus.honest()]
    used: dict[bool, list[float]] = {True: [], False: []}
    there = True
    try:
        for turn in range(TURNS):
            for scripts in (turn % 2 == 0, turn % 2 == 1):
                if scripts is not there:
                    settle(site, scripts=scripts)
                    there = scripts
                used[scripts].append(milliseconds(site, messages))
    finally:
        if not there:
            settle(site, scripts=True)
    ratios = [mine / other for mine, other in zip(used[True], used[False], strict=True)]
    values = {
        "ms_a_message_with": round(median(used[True]), 2),
        "ms_a_message_without": round(median(used[False]), 2),
        "ratio": round(median(ratios), 2),
        "ratios": [round(one, 2) for one in sorted(ratios)],
        "messages": len(messages),
    }
    return Figure("spam-filter", values, f"{TURNS} turns; without {', '.join(SCRIPTS)}")
