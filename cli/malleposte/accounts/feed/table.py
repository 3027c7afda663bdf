"""Cells of a file: CSV in UTF-8, UTF-16 or Windows-1252 with `;`, `,` or tab (RFC 4180 otherwise), or XLSX."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from malleposte.accounts.feed import workbook
from malleposte.core.errors import InputError

MOST_BYTES = 64 << 20
"""A larger file is refused: 30,000 agents take about 5 MB."""
MOST_IN_CELL = 8 << 20
"""Characters of a cell beyond which the file as a whole is refused: then a quotation mark is missing."""
SEPARATORS = (";", ",", "\t")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins like the next
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ZIP = b"PK\x03\x04"
_OTHERS = {
    b"\xd0\xcf\x11\xe0": "an old or encrypted workbook",
    b"%PDF": "a PDF file",
    b"\x1f\x8b": "a compressed file",
    b"\x7fELF": "a program",
    b"MZ": "a program",
    b"Rar!": "a compressed file",
    b"7z\xbc\xaf": "a compressed file",
}


@dataclass(frozen=True, slots=True)
class Line:
    """Cells of one row, and the number of the line (CSV) or row (XLSX) where it begins, counted from 1."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A file's first row, and the others that are not empty: they are read as they are asked for, once."""

    header: Line
    lines: Iterator[Line]
    encoding: str


def read(content: bytes, name: str) -> Table:
    """The table of a file; `name` is for messages. It and its lines raise InputError where the file is damaged."""
    if len(content) > MOST_BYTES:
        raise InputError(f"{name}: {len(content) >> 20} MB, more than the {MOST_BYTES >> 20} MB of any feed")
    for start, what in _OTHERS.items():
        if content.startswith(start):
            raise InputError(f"{name}: {what}", "save it as XLSX without a password, or as CSV UTF-8")
    if content.startswith(_ZIP):
        return _table(itertools.starmap(Line, workbook.rows(content, name)), name, "xlsx")
    text, encoding = decode(content, name)
    return _table(_csv(content, encoding, separator(text), name), name, encoding)


def _table(lines: Iterator[Line], name: str, encoding: str) -> Table:
    filled = (line for line in lines if any(map(str.strip, line.cells)))
    header = next(filled, None)
    if header is None:
        raise InputError(f"{name}: no row in it")
    return Table(header, filled, encoding)


def decode(content: bytes, name: str) -> tuple[str, str]:
    """Text and the encoding it was in: told by its byte order mark, else UTF-8 if it can be, else Windows-1252.

    Raises InputError when it is none of these.
    """
    marked = next((encoding for bom, encoding in _BOMS if content.startswith(bom)), None)
    for encoding in (marked,) if marked else (*_unmarked_utf16(content), "utf-8", "cp1252"):
        try:
            return content.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise InputError(f"{name}: neither UTF-8, UTF-16 nor Windows-1252", "save it again as « CSV UTF-8 »")


def _unmarked_utf16(content: bytes) -> tuple[str, ...]:
    """UTF-16 without a mark: every second byte of the first ones is zero in a text of Latin letters."""
    start = content[:200]
    if len(start) < 4 or len(content) % 2:
        return ()
    zeros = [sum(byte == 0 for byte in start[parity::2]) for parity in (0, 1)]
    most = len(start) // 2 * 3 // 4
    if zeros[1] >= most and not zeros[0]:
        return ("utf-16-le",)
    if zeros[0] >= most and not zeros[1]:
        return ("utf-16-be",)
    return ()


def separator(text: str) -> str:
    """The separator that occurs most in the first line; `;` where none does."""
    first = text.lstrip("\r\n").partition("\n")[0].splitlines()[0] if text.strip() else ""
    return max(SEPARATORS, key=lambda sign: (first.count(sign), sign == ";"))


def _csv(content: bytes, encoding: str, sign: str, name: str) -> Iterator[Line]:
    # The module's own limit is low: a cell too long is the fault of its row, judged with the others.
    csv.field_size_limit(MOST_IN_CELL)
    text = io.TextIOWrapper(io.BytesIO(content), encoding, newline="")
    reader = csv.reader(text, delimiter=sign, strict=True)
    begins = 1
    try:
        for cells in reader:
            yield Line(begins, tuple(cells))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{name}:{begins}: {error}", "a quotation mark is opened and not closed, or the file is cut short"
        ) from error
