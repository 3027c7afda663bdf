"""The file of refused rows: goes back to its sender, who opens it in a spreadsheet."""

from __future__ import annotations

import csv
import io

from malleposte.accounts.feed.records import Feed

_FORMULA = ("=", "+", "-", "@", "|", "%", "＝", "＋", "－", "＠")
_LONGEST = 1000
"""Characters of a cell that are given back."""


def inert(cell: str) -> str:
    """A cell that a spreadsheet takes for text, whatever it holds (a leading apostrophe hides nothing but formulas).

    Blanks before the sign do not save it: some programs trim cells before they look.
    """
    whole = cell[:_LONGEST].replace("\0", "\N{SYMBOL FOR NULL}").encode("utf-8", "replace").decode("utf-8")
    return f"'{whole}" if whole.lstrip().startswith(_FORMULA) or whole.startswith(("\t", "\r", "\n")) else whole


def render(feed: Feed) -> str:
    """CSV (`;`, UTF-8 with a mark as spreadsheets want it): line, reasons, then the row as it came.

    The cells hold what the feed held, a NUMEN too: write it with mode 0600.
    """
    target = io.StringIO(newline="")
    writer = csv.writer(target, delimiter=";", quoting=csv.QUOTE_ALL)
    writer.writerow(["ligne", "motif", *(inert(title) for title in feed.header)])
    for reject in feed.rejects:
        writer.writerow([reject.line, inert(reject.reason), *map(inert, reject.cells)])
    return "\ufeff" + target.getvalue()
