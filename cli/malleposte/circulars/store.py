"""The archives on disk: a folder a message, and an index of words that is made again from the folders.

`messages/LIST/ID/` holds `message` (as it was written to the list), `about.json`, `words` (those of its PDFs, once they
were read) and `readers`. A folder is made under `new/` and renamed when it is complete. `withdrawn/LIST:ID` is there
while the message is taken back; a restore of older `messages` leaves these marks as they are. Backups take both
folders; what is in the index and not there, or there and not in the index, is set right at the next start.

No list takes all the room: beside its own bound it has half of what is left of that of all.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from malleposte.circulars import reading
from malleposte.circulars.model import (
    IDENT_FORM,
    LIST_FORM,
    MOST_FOUND,
    PDF,
    Circular,
    Filing,
    Part,
    Query,
    folded,
    match,
)  # fmt: skip
from malleposte.core.loops import named
from malleposte.deliveries.retracted import Box
from malleposte.runtime import durable

LOG = logging.getLogger("circulars")
DAY = 86_400
MESSAGE, ABOUT, WORDS, WITHDRAWN, FULL = "message", "about.json", "words", "withdrawn", "full"
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS circular (number INTEGER PRIMARY KEY, list, ident, time, subject, sender, author,"
    " message_id, size, parts, withdrawn, waits, UNIQUE (list, ident))",
    "CREATE INDEX IF NOT EXISTS circular_time ON circular (list, time)",
    "CREATE INDEX IF NOT EXISTS circular_message_id ON circular (message_id)",
    "CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(subject, body, files, content='', contentless_delete=1,"
    ' tokenize="unicode61 remove_diacritics 2")',
)
MOST_LETTERS = 32
"""Messages whose text is kept in memory, those that were opened last."""
_IDENT, _LIST = re.compile(IDENT_FORM), re.compile(LIST_FORM)
_SELECT = "SELECT ident, list, time, subject, sender, author, parts FROM circular"


@dataclass(frozen=True)
class Limits:
    """`days` for which a circular is kept; megabytes of a list, and of all."""

    days: int = 1825
    list_mb: int = 2_000
    mb: int = 20_000


class FullError(Exception):
    """The archive has no room; `first`: it had until now."""

    def __init__(self, first: bool) -> None:
        super().__init__("no room")
        self.first = first


class Store:
    """The archives of a host. For one thread."""

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        """Open them, and bring the index in line with the messages. Raises sqlite3.Error, OSError."""
        self.folder, self.limits = folder, limits or Limits()
        self.new, self.messages, self.withdrawn = folder / "new", folder / "messages", folder / WITHDRAWN
        for place in (self.new, self.messages, self.withdrawn):
            place.mkdir(mode=0o700, exist_ok=True)
        for left in self.new.iterdir():
            shutil.rmtree(left)
        self.link = self._opened()
        self.closing = contextlib.ExitStack()
        """Calls at the end of what others opened of it."""
        self._letters: dict[tuple[str, str], reading.Letter] = {}
        self._in_line()

    def _opened(self) -> sqlite3.Connection:
        """The index; one that cannot be read is made anew."""
        path = self.folder / "index.sqlite"
        try:
            return _connected(path)
        except sqlite3.OperationalError:  # the disk is full, or not ours to write: the file is as it was
            raise
        except sqlite3.DatabaseError as error:
            LOG.error("the index of circulars cannot be read (%s): it is made again", error)
            for one in self.folder.glob("index.sqlite*"):
                one.unlink()
            return _connected(path)

    def close(self) -> None:
        """Close the index, and what others opened."""
        self.closing.close()
        self.link.close()

    # --- what comes ---

    def file(self, filing: Filing, raw: bytes) -> None:
        """Archive a message, once however often it comes. Raises FullError, OSError, sqlite3.Error."""
        place = self.place(filing.list, filing.ident)
        if not place.exists():
            self._room(filing.list, len(raw))
            fresh = self.new / filing.ident
            shutil.rmtree(fresh, ignore_errors=True)  # of an attempt that failed, as on a full disk
            fresh.mkdir(mode=0o700)
            durable.write(fresh / MESSAGE, raw)
            durable.write(fresh / ABOUT, msgspec.json.encode(filing))
            place.parent.mkdir(mode=0o700, exist_ok=True)
            durable.sync_folder(self.messages)
            fresh.rename(place)
            durable.sync_folder(place.parent)
        self._index(filing.list, filing.ident)

    def _room(self, name: str, size: int) -> None:
        whole, mine = self.link.execute(
            "SELECT COALESCE(SUM(size), 0), COALESCE(SUM(size) FILTER (WHERE list = ?), 0) FROM circular", (name,)
        ).fetchone()
        left = (self.limits.mb << 20) - (whole - mine)
        if mine + size <= min(self.limits.list_mb << 20, left // 2):
            (self.messages / name / FULL).unlink(missing_ok=True)
            return
        first = name not in self.full()
        if first:
            (self.messages / name).mkdir(mode=0o700, exist_ok=True)
            durable.write(self.messages / name / FULL, "")
        raise FullError(first)

    def full(self) -> frozenset[str]:
        """Return the lists of which the last message found no room."""
        return frozenset(path.parent.name for path in self.messages.glob(f"*/{FULL}"))

    def place(self, name: str, ident: str) -> Path:
        """Return the folder of a message. The forms of both names were checked: neither leads elsewhere."""
        return self.messages / name / ident

    def _withdrawal(self, name: str, ident: str) -> Path:
        """Return the mark of a message that is taken back. No name of a list has a colon."""
        return self.withdrawn / f"{name}:{ident}"

    # --- the index ---

    def _in_line(self) -> None:
        """Index the messages that are not, and forget those that are gone."""
        there = set(self.every())
        for name, ident in there:
            self._move_mark(name, ident)
        indexed = set(self.link.execute("SELECT list, ident FROM circular"))
        for name, ident in indexed - there:
            self._forget(name, ident)
        failures: list[str] = []
        for name, ident in sorted(there - indexed):
            with named(failures.append, f"{name}/{ident}"):
                self._index(name, ident)
        for line in failures:
            LOG.error("a circular is not indexed: %s", line)
        for name, ident in sorted(there & indexed):
            self._mark(name, ident)

    def _move_mark(self, name: str, ident: str) -> None:
        """Put the mark of a message where it is looked for: until 0.6.0 it lay beside the message."""
        earlier = self.place(name, ident) / WITHDRAWN
        if earlier.exists():
            durable.write(self._withdrawal(name, ident), "")
            earlier.unlink()

    def every(self) -> Iterator[tuple[str, str]]:
        """Yield list and identifier of each message."""
        for path in self.messages.glob("*/*/"):
            if _IDENT.match(path.name) and _LIST.match(path.parent.name):
                yield path.parent.name, path.name

    def _index(self, name: str, ident: str) -> None:
        if self.link.execute("SELECT 1 FROM circular WHERE list = ? AND ident = ?", (name, ident)).fetchone():
            return
        place = self.place(name, ident)
        about = msgspec.json.decode((place / ABOUT).read_bytes(), type=Filing)
        raw = (place / MESSAGE).read_bytes()
        letter = reading.read(raw)
        words = place / WORDS
        waits = not words.exists() and any(part.kind == PDF for part in letter.parts)
        parts = json.dumps([msgspec.to_builtins(part) for part in letter.parts], ensure_ascii=False)
        with self.link:
            number = self.link.execute(
                "INSERT INTO circular (list, ident, time, subject, sender, author, message_id, size, parts, withdrawn,"
                " waits) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (name, ident, about.arrived, letter.subject, letter.sender, about.sender, letter.message_id, len(raw),
                 parts, self._withdrawal(name, ident).exists(), waits),
            ).lastrowid  # fmt: skip
            self._write_words(number, letter, words.read_text("utf-8", "replace") if words.exists() else "")

    def _write_words(self, number: int | None, letter: reading.Letter, inside: str) -> None:
        files = "\n".join([*(part.name.replace(".", " ") for part in letter.parts), inside])
        self.link.execute(
            "INSERT OR REPLACE INTO words (rowid, subject, body, files) VALUES (?, ?, ?, ?)",
            (number, folded(f"{letter.subject} {letter.sender}"), folded(letter.text), folded(files)),
        )

    def _forget(self, name: str, ident: str) -> None:
        self._letters.pop((name, ident), None)
        with self.link:
            for (number,) in self.link.execute(
                "SELECT number FROM circular WHERE list = ? AND ident = ?", (name, ident)
            ):
                self.link.execute("DELETE FROM words WHERE rowid = ?", (number,))
                self.link.execute("DELETE FROM circular WHERE number = ?", (number,))

    def waiting(self) -> list[tuple[str, str]]:
        """Return the messages whose PDFs were not read yet, the oldest first."""
        return self.link.execute("SELECT list, ident FROM circular WHERE waits ORDER BY time").fetchall()

    def pdfs(self, name: str, ident: str) -> list[bytes]:
        """Return the PDFs of a message."""
        raw = self.raw(name, ident)
        parts = [part for part in reading.read(raw).parts if part.kind == PDF]
        return [body for part in parts if (body := reading.content(raw, part.number)) is not None]

    def keep_words(self, name: str, ident: str, inside: str) -> None:
        """Keep the words of a message's PDFs; without any it is found by their names alone."""
        durable.write(self.place(name, ident) / WORDS, inside.encode("utf-8", "replace"))
        row = self.link.execute("SELECT number FROM circular WHERE list = ? AND ident = ?", (name, ident)).fetchone()
        letter = reading.read(self.raw(name, ident))
        with self.link:
            self._write_words(row[0], letter, inside)
            self.link.execute("UPDATE circular SET waits = 0 WHERE number = ?", row)

    # --- what is looked for ---

    def find(self, query: Query) -> tuple[list[Circular], int]:
        """Return circulars, the newest first and one more than an answer has, and the time of the first; 0 for none."""
        marks, words = ", ".join("?" * len(query.lists)), match(query.words)
        if not query.lists or (query.words.strip() and not words):
            return [], 0
        where, values = f"circular.list IN ({marks}) AND NOT withdrawn", list[str | int](query.lists)
        first = f"SELECT MIN(time) FROM circular WHERE {where}"  # noqa: S608  # parts of this function alone
        (oldest,) = self.link.execute(first, values).fetchone()
        if words:
            where += " AND circular.number IN (SELECT rowid FROM words WHERE words MATCH ?)"
            values.append(words)
        for sign, moment in ((">=", query.since), ("<", query.until)):
            if moment:
                where += f" AND time {sign} ?"
                values.append(moment)
        newest = f"{_SELECT} WHERE {where} ORDER BY time DESC, ident DESC LIMIT {MOST_FOUND + 1}"
        return [_circular(row) for row in self.link.execute(newest, values)], oldest or 0

    def head(self, name: str, ident: str) -> Circular | None:
        """Return a circular without its text; None where there is none, or it is taken back."""
        one = f"{_SELECT} WHERE list = ? AND ident = ? AND NOT withdrawn"
        row = self.link.execute(one, (name, ident)).fetchone()
        return None if row is None else _circular(row)

    def show(self, name: str, ident: str) -> Circular | None:
        """Return a circular with its text; None as `head`."""
        one = self.head(name, ident)
        if one is None:
            return None
        letter = self._letter(name, ident)
        return msgspec.structs.replace(one, text=letter.text, broken=letter.broken)

    def _letter(self, name: str, ident: str) -> reading.Letter:
        """Return the parts of a message, which is read whole for that, once for all who open it meanwhile."""
        letter = self._letters.pop((name, ident), None) or reading.read(self.raw(name, ident))
        self._letters[name, ident] = letter
        while len(self._letters) > MOST_LETTERS:
            self._letters.pop(next(iter(self._letters)))
        return letter

    def stands(self, name: str, ident: str) -> bool:
        """Return whether there is such a circular, which is not taken back."""
        one = "SELECT 1 FROM circular WHERE list = ? AND ident = ? AND NOT withdrawn"
        return self.link.execute(one, (name, ident)).fetchone() is not None

    def raw(self, name: str, ident: str) -> bytes:
        """Return a message as it was written to the list. Raises OSError."""
        return (self.place(name, ident) / MESSAGE).read_bytes()

    # --- what goes ---

    def withdraw(self, boxes: Sequence[Box], *, back: bool) -> int:
        """Hide the circulars that were taken out of boxes, or show them again; return how many.

        They are known by their Message-ID, and by the day on which the boxes got them. One is hidden where a list of
        ours brought it: anybody may write under its Message-ID.
        """
        count = 0
        signs = {(sign.message_id.strip("<>"), box.since, box.listed) for box in boxes for sign in box.signs}
        for message_id, since in {(one, day) for one, day, listed in signs if back or one in listed}:
            rows = self.link.execute(
                "SELECT list, ident FROM circular WHERE message_id = ? AND message_id <> ''"
                " AND time >= unixepoch(?) - ?", (message_id, since, DAY),
            ).fetchall()  # fmt: skip
            for name, ident in rows:
                mark = self._withdrawal(name, ident)
                if back:
                    mark.unlink(missing_ok=True)
                    durable.sync_folder(mark.parent)
                else:
                    durable.write(mark, "")
                count += self._mark(name, ident)
        return count

    def _mark(self, name: str, ident: str) -> int:
        """Note whether a circular is taken back; 1 where that is new."""
        gone = self._withdrawal(name, ident).exists()
        with self.link:
            return self.link.execute(
                "UPDATE circular SET withdrawn = ? WHERE list = ? AND ident = ? AND withdrawn <> ?",
                (gone, name, ident, gone),
            ).rowcount

    def prune(self, now: int) -> int:
        """Erase what is older than it is kept; return how many that were."""
        old = self.link.execute("SELECT list, ident FROM circular WHERE time < ?", (now - self.limits.days * DAY,))
        count, failures = 0, list[str]()
        for name, ident in old.fetchall():
            with named(failures.append, f"{name}/{ident}"):
                gone, place = self.new / f"gone-{ident}", self.place(name, ident)
                if place.exists():  # not where an earlier run could not erase all of it
                    place.rename(gone)
                    durable.sync_folder(place.parent)
                if gone.exists():
                    shutil.rmtree(gone)
                self._withdrawal(name, ident).unlink(missing_ok=True)
                self._forget(name, ident)
                count += 1
        for line in failures:
            LOG.error("an old circular is not erased: %s", line)
        for folder in self.messages.iterdir():
            with contextlib.suppress(OSError):
                folder.rmdir()  # those that are empty
        return count


def _circular(row: Sequence[object]) -> Circular:
    ident, name, time, subject, sender, author, parts = row
    return Circular(
        str(ident), str(name), int(str(time)), str(subject), str(sender), str(author),
        parts=msgspec.json.decode(str(parts), type=tuple[Part, ...]),
    )  # fmt: skip


def _connected(path: Path) -> sqlite3.Connection:
    link = sqlite3.connect(path)
    try:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
            link.execute(f"PRAGMA {pragma}")
        with link:
            for statement in _SCHEMA:
                link.execute(statement)
            link.execute("INSERT INTO words (words, rank) VALUES ('secure-delete', 1)")
    except sqlite3.Error:
        link.close()
        raise
    return link
