"""Attachments that are fetched: each is taken out of its message once, however many pieces of it are asked for.

A message is read whole to find one of its parts. Beside it, its bytes lie in a file without a name for the next pieces.
"""

from __future__ import annotations

import tempfile
from typing import BinaryIO, NamedTuple

from malleposte.circulars import reading
from malleposte.circulars.ask import Which
from malleposte.circulars.model import CHUNK, Chunk
from malleposte.circulars.store import Store

MOST = 16
"""Attachments that are kept open, those that were asked for last."""

type Key = tuple[str, str, int]


class Opened(NamedTuple):
    """An attachment: its name, type and bytes."""

    name: str
    kind: str
    size: int
    file: BinaryIO


class Parts:
    """The attachments of an archive. For one thread."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._opened: dict[Key, Opened] = {}
        store.closing.callback(self.close)

    def chunk(self, which: Which) -> Chunk | None:
        """Return bytes of an attachment; None where there is none, or its message is taken back. Raises OSError."""
        if not self.store.stands(which.list, which.ident):
            return None
        key = (which.list, which.ident, which.number)
        one = self._opened.pop(key, None) or self._open(which)
        if one is None:
            return None
        self._opened[key] = one
        while len(self._opened) > MOST:
            self._opened.pop(next(iter(self._opened))).file.close()
        one.file.seek(which.offset)
        return Chunk(one.name, one.kind, one.size, one.file.read(CHUNK))

    def close(self) -> None:
        """Close them."""
        for one in self._opened.values():
            one.file.close()
        self._opened.clear()

    def _open(self, which: Which) -> Opened | None:
        """Take it out of its message. Number 0 is the text."""
        raw = self.store.raw(which.list, which.ident)
        letter = reading.read(raw)
        if which.number == 0:
            return self._put_aside("message.txt", "text/plain", letter.text.encode("utf-8", "replace"))
        part = next((part for part in letter.parts if part.number == which.number), None)
        content = reading.content(raw, which.number) if part else None
        return self._put_aside(part.name, part.kind, content) if part and content is not None else None

    def _put_aside(self, name: str, kind: str, content: bytes) -> Opened:
        file = tempfile.TemporaryFile(dir=self.store.new)  # noqa: SIM115  # closed by `chunk`, or by `close`
        try:
            file.write(content)
        except OSError:
            file.close()
            raise
        return Opened(name, kind, len(content), file)
