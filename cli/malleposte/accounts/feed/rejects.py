"""The file of refused rows: goes back to its sender, who opens it in a spreadsheet."""

from __future__ import annotations

import csv
import io

from malleposte.accounts.feed.records import Feed

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def inert(cell: str) -> str:
    """A cell that a spreadsheet takes for text, whatever it holds (a leading apostrophe hides nothing but formulas)."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def render(feed: Feed) -> str:
    """CSV (`;`, UTF-8 with a mark as spreadsheets want it): line, reasons, then the row as it came.

    The cells hold what the feed held, a NUMEN too: write it with mode 0600.
    """
    target = io.StringIO(newline="")
    writer = csv.writer(target, delimiter=";", quoting=csv.QUOTE_ALL)
    writer.writerow(["ligne", "motif", *(inert(title) for title in feed.header)])
    for reject in feed.rejects:
        cells = (inert(cell[:1000].replace("\0", "\N{SYMBOL FOR NULL}")) for cell in reject.cells)
        writer.writerow([reject.line, reject.reason, *cells])
    return "\ufeff" + target.getvalue()
