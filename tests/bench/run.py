"""Run measurements: `python -m tests.bench.run NAME...` prints, for each, a JSON object and a row of Markdown.

Those of size have parts: `size:looks,jobs` measures these two again.
"""

import sys
from collections.abc import Callable
from functools import partial

from tests.bench import (
    accounts,
    deploys,
    guard,
    hostile_mail,
    hours,
    measures,
    monday,
    outbound,
    portal,
    retraction,
    search,
    spam_filter,
    tools,
    webmails,
)  # fmt: skip
from tests.bench.figures import Figure
from tests.bench.size import run as size
from tests.stack.support.site import Site

NAMES: dict[str, Callable[[Site], Figure]] = {
    "accounts": accounts.accounts,
    "memory": measures.memory,
    "log-ins": measures.log_ins,
    "device-log-ins": measures.device_log_ins,
    "smtp-in": measures.smtp_in,
    "smtp-out": outbound.outbound,
    "monday": monday.monday,
    "guard": guard.guard,
    "hours": hours.hours,
    "retraction": retraction.retraction,
    "hostile-mail": hostile_mail.hostile_mail,
    "spam-filter": spam_filter.spam_filter,
    "tools": tools.tools,
    **{name: partial(size.size, name=name) for name in size.SCALES},
    "portal-pages": portal.pages,
    "portal-first-day": portal.first_day,
    "portal-first-day-forms": portal.first_day_forms,
    "webmail-inbox": webmails.inbox,
    "search-50000": search.search,
    "sogo-month": webmails.month,
    "deploy-no-change": deploys.no_change,
    "deploy-first": lambda _site: deploys.first(),
    "deploy-first-linear": lambda _site: deploys.first(linear=True),
}


def main(names: list[str]) -> int:
    """Measure what is named; 2 for an unknown name."""
    chosen = [name.partition(":") for name in names]
    unknown = [name for name, _sign, parts in chosen if name not in NAMES or (parts and name not in size.SCALES)]
    if unknown or not names:
        print(f"name one of: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    site = Site()
    site.ready()
    for name, _sign, parts in chosen:
        figure = size.size(site, name, parts.split(",")) if parts else NAMES[name](site)
        print(figure.as_json(), figure.as_row(), sep="\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
