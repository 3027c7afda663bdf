"""CSV for a spreadsheet (`;`, RFC 4180's ends of lines): no text of anybody's becomes a formula there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

MARK = "\ufeff"
"""By which spreadsheets know a file in UTF-8."""
_FORMULA = ("=", "+", "-", "@", "|", "%", "＝", "＋", "－", "＠")
_LONGEST = 1000
"""Characters of a cell that are given."""


def inert(cell: str) -> str:
    """A cell that a spreadsheet takes for text, whatever it holds (a leading apostrophe hides nothing but formulas).

    Blanks before the sign do not save it: some programs trim cells before they look.
    """
    whole = cell[:_LONGEST].replace("\0", "\N{SYMBOL FOR NULL}").encode("utf-8", "replace").decode("utf-8")
    return f"'{whole}" if whole.lstrip().startswith(_FORMULA) or whole.startswith(("\t", "\r", "\n")) else whole


def row(values: Iterable[str], *, quoted: bool = False) -> str:
    """A line with inert cells; all of them `quoted`, or those that need it."""
    target = io.StringIO(newline="")
    writer = csv.writer(
        target, delimiter=";", lineterminator="\r\n", quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    )
    writer.writerow(map(inert, values))
    return target.getvalue()
