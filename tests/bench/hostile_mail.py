"""Processor time of the whole platform a message, with the scripts of hostile mail and without them, by turns.

A setting of rspamd leaves the scripts out for one envelope sender, so that both sorts pass the same daemons, warm.
"""

from __future__ import annotations

import json
from statistics import median
from typing import Any

from tests.bench import cost
from tests.bench.clients import PATIENCE, blast
from tests.bench.figures import Figure
from tests.bench.measures import MAILBOXES, SENDER, agents, no_rate_limit
from tests.bench.spam_filter import SCRIPTS
from tests.stack.support.mail import wait_for
from tests.stack.support.site import Site

WITHOUT = "sans@lointain.test"
"""The sender to whose messages the scripts do not apply."""
EACH, TURNS = 10, 8
SETTINGS = "/etc/rspamd/override.d/settings.conf"


def without_scripts(site: Site) -> None:
    """Leave the scripts out for WITHOUT."""
    symbols = json.dumps([symbol for several in SCRIPTS.values() for symbol in several])
    text = f'bench {{ priority = 10; from = "{WITHOUT}"; apply {{ symbols_disabled = {symbols}; }} }}\n'
    site.run("mail1", f"cat > {SETTINGS} && rspamadm configtest -q && systemctl restart rspamd", given=text)


def hostile_mail(site: Site) -> Figure:
    """The ratio of processor time a message, of all units of the mail host and of rspamd alone."""

    def queued() -> bool:
        return bool(site.run("mail1", "postqueue -j").strip())

    def send(sender: str, recipients: list[str]) -> None:
        site.run("world", blast(site.address("mail1"), sender, recipients, EACH), timeout=PATIENCE)
        wait_for(lambda: not queued(), PATIENCE, "the queue is empty")

    used: dict[str, list[dict[str, float]]] = {SENDER: [], WITHOUT: []}
    with agents(site) as readers, no_rate_limit(site):
        addresses = [reader.mail for reader in readers]
        without_scripts(site)
        try:
            for sender in (SENDER, WITHOUT):
                send(sender, addresses)
            for turn in range(TURNS):
                for sender in (SENDER, WITHOUT)[:: -1 if turn % 2 else 1]:
                    before = cost.of(site, "mail1")
                    send(sender, addresses)
                    used[sender].append(cost.spent(before, cost.of(site, "mail1"), MAILBOXES * EACH))
        finally:
            site.run("mail1", f"rm -f {SETTINGS}; systemctl restart rspamd")

    def pairs(unit: str) -> list[tuple[float, float]]:
        return [(one.get(unit, 0.0), other.get(unit, 0.0)) for one, other in zip(*used.values(), strict=True)]

    every, alone = pairs("all"), pairs("rspamd")
    ratios = sorted(mine / other for mine, other in every)
    values: dict[str, Any] = {
        "ratio": round(median(ratios), 3),
        "lowest_ratio": round(ratios[0], 2),
        "highest_ratio": round(ratios[-1], 2),
        "ms_a_message_with": round(median(mine for mine, _other in every), 2),
        "ms_a_message_without": round(median(other for _mine, other in every), 2),
        "rspamd_ms_with": round(median(mine for mine, _other in alone), 2),
        "rspamd_ms_without": round(median(other for _mine, other in alone), 2),
    }
    return Figure("hostile-mail", values, f"5 kB, {MAILBOXES} mailboxes, {TURNS} turns of {MAILBOXES * EACH} of each")
