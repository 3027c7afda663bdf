"""The changes of a plan as the lines of its file: each is read when it is asked for.

A change takes about a kilobyte as text and four as an object, and a first feed has 30,000 of them.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

from malleposte.accounts.plan.changes import Change, Plan, as_line, damaged, read
from malleposte.core.errors import InputError

OPENS, CLOSES = b'"changes": [\n', b"\n]\n"
"""Around the lines, as `Plan.pieces` writes them; JSON has no raw end of line inside a text."""


class Lines(Sequence[Change]):
    """Changes in one text; from where to where each goes. Reading a damaged one raises InputError."""

    def __init__(self, text: bytes | bytearray, begins: Sequence[int], ends: Sequence[int], where: str) -> None:
        """`where`: the file, for messages."""
        self._text, self._begins, self._ends, self._where = text, array("Q", begins), array("Q", ends), where

    @classmethod
    def of(cls, changes: Iterable[Change]) -> Lines:
        """Changes that are made here, one after the other."""
        text, begins, ends = bytearray(), array("Q"), array("Q")
        for change in changes:
            begins.append(len(text))
            text += as_line(change).encode()
            ends.append(len(text))
        return cls(text, begins, ends, "plan")

    def __len__(self) -> int:
        """The number of lines."""
        return len(self._begins)

    def raw(self, number: int) -> bytes:
        """One change as it stands in the file, without the comma."""
        return bytes(self._text[self._begins[number] : self._ends[number]])

    def texts(self) -> Iterator[str]:
        """All of them so."""
        return (self.raw(number).decode("utf-8", "replace") for number in range(len(self)))

    @overload
    def __getitem__(self, at: int) -> Change: ...

    @overload
    def __getitem__(self, at: slice) -> list[Change]: ...

    def __getitem__(self, at: int | slice) -> Change | list[Change]:
        """One, or some."""
        if isinstance(at, slice):
            return [self[number] for number in range(*at.indices(len(self)))]
        raw = self.raw(at)
        try:
            return Change.parse(json.loads(raw))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise damaged(self._where, at + 1, error) from error


def opened(content: bytes, where: str) -> tuple[Any, Lines | None]:
    """A document that holds a plan: all of it but the changes (an empty list), and these.

    None where the file is not laid out as this program does: then the document has them. Raises InputError for what is
    not JSON.
    """
    start = content.find(OPENS)
    end = content.find(CLOSES, start + len(OPENS) - 1) if start >= 0 else -1
    lines = None
    skeleton = content
    if end >= 0:
        lines = _cut(content, start + len(OPENS), end, where)
        skeleton = content[: start + len(OPENS) - 1] + content[end + 1 :]
    try:
        return json.loads(skeleton), lines
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not JSON ({error})", "make it with `malleposte accounts plan`") from error


def parse(content: bytes, where: str) -> Plan:
    """Read a plan's file. Raises InputError naming the file and what is wrong; of a change, when that is looked at."""
    document, lines = opened(content, where)
    return read(document, where, lines)


def _cut(content: bytes, begin: int, end: int, where: str) -> Lines:
    begins, ends = array("Q"), array("Q")
    while begin < end:
        stop = content.find(b"\n", begin, end)
        stop = end if stop < 0 else stop
        begins.append(begin)
        ends.append(stop - content[begin:stop].endswith(b","))
        begin = stop + 1
    return Lines(content, begins, ends, where)
