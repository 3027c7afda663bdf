"""Rows of an XLSX workbook's first sheet, read with openpyxl, after a look at what it would unpack to."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Iterator
from typing import Any

from malleposte.errors import InputError

MOST_UNPACKED = 400 << 20
MOST_RATIO = 200
MOST_PARTS = 2000
MOST_COLUMNS = 500


def rows(content: bytes, name: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """(row number from 1, cells as text) of the first sheet. Raises InputError when it cannot be read whole."""
    # Imported here: most feeds are CSV, and a controller may do without.
    import openpyxl

    _check_size(content, name)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        try:
            sheet = book.worksheets[0]
            for number, row in enumerate(sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS), 1):
                yield number, tuple(cell_text(value) for value in row)
        finally:
            book.close()
    except InputError:
        raise
    except Exception as error:  # openpyxl lets its parsers' own errors through, of many kinds
        raise InputError(f"{name}: not a workbook that can be read ({_first_line(error)})") from error


def _check_size(content: bytes, name: str) -> None:
    """Refuse an archive that is damaged or that would unpack to far more than any feed."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise InputError(f"{name}: a damaged or truncated workbook ({_first_line(error)})") from error
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > MOST_PARTS or unpacked > MOST_UNPACKED or unpacked > MOST_RATIO * max(len(content), 1 << 20):
        raise InputError(f"{name}: would unpack to {unpacked >> 20} MB in {len(parts)} parts; no feed is like that")


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0][:120] if lines else type(error).__name__


def cell_text(value: Any) -> str:
    """A cell as a person would have typed it: whole numbers without a point, dates as YYYY-MM-DD."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime.datetime):
        return value.date().isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    return str(value)
