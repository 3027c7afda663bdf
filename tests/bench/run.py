"""Run measurements: `python -m tests.bench.run NAME...` prints, for each, a JSON object and a row of Markdown."""

import sys
from collections.abc import Callable

from tests.bench import (
    accounts,
    deploys,
    guard,
    hours,
    measures,
    portal,
    retraction,
    search,
    spam_filter,
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
    "guard": guard.guard,
    "hours": hours.hours,
    "retraction": retraction.retraction,
    "spam-filter": spam_filter.spam_filter,
    "size": size.size,
    "size-small": size.size_small,
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
    unknown = [name for name in names if name not in NAMES]
    if unknown or not names:
        print(f"name one of: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    site = Site()
    site.ready()
    for name in names:
        figure = NAMES[name](site)
        print(figure.as_json(), figure.as_row(), sep="\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
