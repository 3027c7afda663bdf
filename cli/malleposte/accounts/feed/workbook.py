"""Rows of an XLSX workbook's first sheet, read with openpyxl, after a look at what it would unpack to."""

from __future__ import annotations

import contextlib
import datetime
import io
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

from malleposte.accounts.feed.values import shown
from malleposte.core.errors import InputError

MOST_UNPACKED = 200 << 20
MOST_RATIO = 100
MOST_PARTS = 2000
MOST_COLUMNS = 500
MOST_ROWS = 1 << 20
"""Rows of a sheet that a spreadsheet can hold."""
_CHUNK = 1 << 16


def rows(content: bytes, name: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """(row number from 1, cells as text) of the first sheet. Raises InputError when it cannot be read whole."""
    # Imported here: most feeds are CSV, and a controller may do without.
    import openpyxl

    _check(content, name)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        try:
            sheet = book.worksheets[0]
            # The size that the sheet gives for itself is not trusted: rows beyond it would be lost.
            sheet.reset_dimensions()
            width = _width(sheet)
            for number, row in enumerate(sheet.iter_rows(values_only=True, max_col=width), 1):
                if number > MOST_ROWS:
                    raise InputError(f"{name}: more than {MOST_ROWS} rows")
                yield number, tuple(cell_text(value) for value in row)
        finally:
            book.close()
    except InputError:
        raise
    except Exception as error:  # openpyxl lets its parsers' own errors through, of many kinds
        raise InputError(f"{name}: not a workbook that can be read ({_first_line(error)})") from error


def _width(sheet: Any) -> int:
    """The number of columns of the first row that holds something: cells to their right are no part of the table."""
    for number, row in enumerate(sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS), 1):
        filled = [place for place, value in enumerate(row, 1) if value is not None]
        if filled:
            return filled[-1]
        if number > MOST_ROWS:
            break
    return 1


def _check(content: bytes, name: str) -> None:
    """Refuse an archive that is damaged, that would unpack to far more than any feed, or whose XML defines entities."""
    try:
        # Parts that share their bytes are a warning of zipfile's: none of ours has them.
        with warnings.catch_warnings(action="error"), zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            unpacked = sum(part.file_size for part in parts)
            most = min(MOST_UNPACKED, MOST_RATIO * max(len(content), 1 << 20))
            if len(parts) > MOST_PARTS or unpacked > most:
                raise InputError(
                    f"{name}: would unpack to {unpacked >> 20} MB in {len(parts)} parts; no feed is that large"
                )
            for part in parts:
                if part.filename.endswith((".xml", ".rels")) and _has_doctype(archive, part):
                    raise InputError(f"{name}: {shown(part.filename)} defines entities; no workbook does")
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, EOFError, zlib.error, Warning) as error:
        raise InputError(f"{name}: a damaged or truncated workbook ({_first_line(error)})") from error


class _Known(Exception):
    """The question about a part is answered: nothing more of it needs to be read."""


def _has_doctype(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    """Whether an XML part declares a document type, in whatever encoding; read up to its first element."""
    doctype = False

    def declared(*_of: object) -> None:
        nonlocal doctype
        doctype = True
        raise _Known

    def begun(*_of: object) -> None:
        raise _Known

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler, parser.StartElementHandler = declared, begun
    with archive.open(part) as file, contextlib.suppress(_Known, expat.ExpatError):
        while chunk := file.read(_CHUNK):
            parser.Parse(chunk)
    return doctype


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return shown(lines[0], 120) if lines else type(error).__name__


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
