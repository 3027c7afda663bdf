"""Processor time of the spam filter a message, with some of its scripts and without them, in turn in one run.

A request leaves scripts out by its settings, so that one process does all the work, warm and without a restart.
"""

from __future__ import annotations

import json
from statistics import median

from tests.bench.figures import Figure
from tests.stack.support import corpus
from tests.stack.support.mail import FOREIGN
from tests.stack.support.scans import verdicts
from tests.stack.support.site import Site

SCRIPTS = {
    "contacts": ("MP_CONTACTS", "MP_CONTACTS_LEARN"),
    "dangers": ("MP_DANGERS",),
    "deliveries": ("MP_DELIVERIES",),
    "notices": ("MP_NAMES", "MP_NOTICES"),
    "quarantine": ("MP_QUARANTINE",),
    "waves": ("MP_WAVE_CHECK",),
}
"""Those of hostile mail, with their symbols."""
TURNS, ALONE = 10, 3
"""Turns for all of them, and for each alone."""
ALWAYS = ("GREYLIST_CHECK", "GREYLIST_SAVE")
"""Left out on both sides, so that both have settings."""
USED = "cut -d' ' -f1 /proc/$(pgrep -of '^rspamd: controller')/schedstat"
"""Nanoseconds of processor time of the process that answers."""


def milliseconds(site: Site, messages: list[str], without: tuple[str, ...]) -> float:
    """Processor time of the filter a message, without some symbols."""
    envelope = {"IP": site.address("world"), "Hostname": FOREIGN, "Helo": FOREIGN, "From": f"probe@{FOREIGN}"}
    settings = json.dumps({"symbols_disabled": [*ALWAYS, *without]})
    before = int(site.run("mail1", USED))
    verdicts(site, messages, Settings=settings, **envelope)
    return (int(site.run("mail1", USED)) - before) / 1e6 / len(messages)


def turns(site: Site, messages: list[str], without: tuple[str, ...], number: int) -> list[tuple[float, float]]:
    """Milliseconds with these symbols and without them, of measures that follow each other; which is first changes."""
    pairs = []
    for turn in range(number):
        used = {
            left_out: milliseconds(site, messages, left_out) for left_out in ((), without)[:: -1 if turn % 2 else 1]
        }
        pairs.append((used[()], used[without]))
    return pairs


def spam_filter(site: Site) -> Figure:
    """The ratio with all of the scripts to that without any, and the milliseconds of each."""
    messages = [one.message.decode("utf-8", "surrogateescape") for one in corpus.honest()]
    milliseconds(site, messages, ())
    pairs = turns(site, messages, tuple(symbol for several in SCRIPTS.values() for symbol in several), TURNS)
    ratios = sorted(mine / other for mine, other in pairs)
    values = {
        "ratio": round(median(ratios), 2),
        "ms_a_message_with": round(median(mine for mine, _other in pairs), 2),
        "ms_a_message_without": round(median(other for _mine, other in pairs), 2),
        "lowest_ratio": round(ratios[0], 2),
        "highest_ratio": round(ratios[-1], 2),
        **{
            f"ms_of_{name}": round(median(mine - other for mine, other in turns(site, messages, symbols, ALONE)), 2)
            for name, symbols in SCRIPTS.items()
        },
        "messages": len(messages),
    }
    return Figure("spam-filter", values, f"{TURNS} turns, {ALONE} for each script")
