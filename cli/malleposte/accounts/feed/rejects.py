"""The file of refused rows: goes back to its sender, who opens it in a spreadsheet."""

from __future__ import annotations

import csv
import io

from malleposte.accounts.feed.records import Feed

_FORMULA = ("=", "+", "-", "@", "|", "%", "＝", "＋", "－", "＠")
TITLES = ("ligne", "motif", "suite")
"""The first columns of the file, by which it is known again."""
_LONGEST = 1000
"""Characters of a cell that are given back."""


def inert(cell: str) -> str:
    """A cell that a spreadsheet takes for text, whatever it holds (a leading apostrophe hides nothing but formulas).

    Blanks before the sign do not save it: some programs trim cells before they look.
    """
    whole = cell[:_LONGEST].replace("\0", "\N{SYMBOL FOR NULL}").encode("utf-8", "replace").decode("utf-8")
    return f"'{whole}" if whole.lstrip().startswith(_FORMULA) or whole.startswith(("\t", "\r", "\n")) else whole


def render(feed: Feed) -> str:
    """CSV (`;`, UTF-8 with a mark as spreadsheets want it): line, reasons, what became of it, then the row as it came.

    In French, for the sender; rows of which only a cell was left out are among them. Empty when there are none.

    The cells hold what the feed held, a NUMEN too: write it with mode 0600.
    """
    told = sorted((*feed.rejects, *feed.warnings), key=lambda one: one.line)
    if not told:
        return ""
    target = io.StringIO(newline="")
    writer = csv.writer(target, delimiter=";", quoting=csv.QUOTE_ALL)
    writer.writerow([*TITLES, *(inert(title) for title in feed.header)])
    for one in told:
        became = "ligne prise sans cette donnée" if one.taken else "ligne refusée"
        writer.writerow([one.line, inert(one.reason), became, *map(inert, one.cells)])
    return "\ufeff" + target.getvalue()
