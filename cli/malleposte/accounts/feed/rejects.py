"""The file of refused rows: goes back to its sender, who opens it in a spreadsheet."""

from __future__ import annotations

from malleposte.accounts.feed.records import Feed
from malleposte.core import spreadsheet

TITLES = ("ligne", "motif", "suite")
"""The first columns of the file, by which it is known again."""


def render(feed: Feed) -> str:
    """CSV (`;`, UTF-8 with a mark as spreadsheets want it): line, reasons, what became of it, then the row as it came.

    In French, for the sender; rows of which only a cell was left out are among them. Empty when there are none.

    The cells hold what the feed held, a NUMEN too: write it with mode 0600.
    """
    problems = sorted((*feed.rejects, *feed.warnings), key=lambda one: one.line)
    if not problems:
        return ""
    lines = [spreadsheet.row([*TITLES, *feed.header], quoted=True)]
    for one in problems:
        became = "ligne prise sans cette donnée" if one.taken else "ligne refusée"
        lines.append(spreadsheet.row([str(one.line), one.reason, became, *one.cells], quoted=True))
    return spreadsheet.MARK + "".join(lines)
