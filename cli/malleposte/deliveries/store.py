"""The index on disk: a SQLite file a day (UTC), so that an old day goes with its file.

Rows a day are bounded, and no sender alone can use them up: of the room that is left, one network or one account of
ours may take as much as it has taken already, and refused mail a quarter. The oldest days go when all take too much.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import logging
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from malleposte.deliveries import conditions, likeness
from malleposte.deliveries.model import FINAL, Answer, Likeness, Message, Query, Recipient, State, Verdict
from malleposte.deliveries.retracted import Box
from malleposte.runtime import durable

LOG = logging.getLogger("deliveries")

DAY = 86_400
OPEN = 6
"""Days for which Postfix may still say something of a message: its queue's lifetime, and one."""
REFUSED_SHARE = 4
"""Refused mail takes at most one row in so many."""
_MESSAGE = (
    *("queue", "time", "sender", "author", "account", "place", "message_id", "size", "verdict", "reason", "content"),
    "prints",
)
_RECIPIENT = ("address", "account", "state", "folder", "detail", "time")
_SCHEMA = (
    f"CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY, {', '.join(_MESSAGE)})",
    "CREATE INDEX IF NOT EXISTS message_queue ON message (queue)",
    "CREATE INDEX IF NOT EXISTS message_time ON message (time)",
    "CREATE INDEX IF NOT EXISTS message_id ON message (message_id)",
    "CREATE INDEX IF NOT EXISTS message_sender ON message (sender)",
    "CREATE INDEX IF NOT EXISTS message_author ON message (author)",
    "CREATE INDEX IF NOT EXISTS message_account ON message (account)",
    f"CREATE TABLE IF NOT EXISTS recipient (message, {', '.join(_RECIPIENT)}, PRIMARY KEY (message, address))"
    " WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS recipient_address ON recipient (address)",
    "CREATE INDEX IF NOT EXISTS recipient_account ON recipient (account)",
    "CREATE TABLE IF NOT EXISTS mark (kind, value, message, PRIMARY KEY (kind, value, message)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS mark_message ON mark (message)",
    "CREATE TABLE IF NOT EXISTS note (name PRIMARY KEY, value) WITHOUT ROWID",
)
_NOT_ACCEPTED = (Verdict.REFUSED, Verdict.LATER)


@dataclass(frozen=True)
class Limits:
    """`days` that are kept, messages and recipients together a day, and megabytes in all."""

    days: int = 30
    rows_a_day: int = 600_000
    mb: int = 8_000


@dataclass
class IndexedMessage:
    """All that is new of a message. Marks are pairs of a kind and a value; `prints` are its shingles.

    `expired`: Postfix gave up the recipients that it had not reached.
    """

    message: Message
    marks: Sequence[tuple[str, str | bytes]] = ()
    prints: bytes = b""
    expired: bool = False


@dataclass
class _Day:
    """A file, and the rows of today by their source."""

    path: Path
    link: sqlite3.Connection
    rows: int = 0
    refused: int = 0
    left_out: int = 0
    sources: Counter[str] = field(default_factory=Counter)
    counted: bool = False


class Store:
    """The index. For one thread."""

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        """`folder` is there. Raises sqlite3.Error, OSError."""
        self.folder, self.limits = folder, limits or Limits()
        self._days: dict[int, _Day] = {}
        for path in sorted(folder.glob("*.sqlite")):
            with contextlib.suppress(ValueError):
                self._open(int(path.stem))

    def _open(self, day: int) -> _Day:
        """The file of a day; one that cannot be read is set aside until its day goes, and begun anew."""
        if day in self._days:
            return self._days[day]
        path = self.folder / f"{day}.sqlite"
        try:
            return self._opened(day, path)
        except sqlite3.OperationalError:  # the disk is full, or not ours to write: the file is as it was
            raise
        except sqlite3.DatabaseError as error:
            LOG.error("%s cannot be read (%s): it is %s now", path, error, durable.set_aside(path).name)
            for end in ("-wal", "-shm"):
                path.with_name(path.name + end).unlink(missing_ok=True)
            return self._opened(day, path)

    def _opened(self, day: int, path: Path) -> _Day:
        link = sqlite3.connect(path, isolation_level=None)
        try:
            for line in ("journal_mode = WAL", "synchronous = NORMAL", "secure_delete = ON"):
                link.execute(f"PRAGMA {line}")
            for statement in _SCHEMA:
                link.execute(statement)
            opened = self._days[day] = _Day(path, link)
            note = link.execute("SELECT value FROM note WHERE name = 'left out'").fetchone()
            opened.left_out = int(note[0]) if note else 0
        except sqlite3.Error:
            link.close()
            raise
        return opened

    @staticmethod
    def _counted(day: _Day) -> _Day:
        """The day with its rows counted, which takes a second for a full one: only what is written to needs it."""
        if not day.counted:
            day.rows = day.refused = 0
            day.sources.clear()
            for message, count in day.link.execute(
                "SELECT json_array(place, account, verdict),"
                " sum(1 + (SELECT count(*) FROM recipient WHERE message = id)) FROM message GROUP BY 1"
            ):
                place, account, verdict = json.loads(message)
                Store._count(day, _source(place, account), count, refused=verdict in _NOT_ACCEPTED)
        return day

    @staticmethod
    def _count(day: _Day, source: str, rows: int, *, refused: bool) -> None:
        day.rows += rows
        day.sources[source] += rows
        day.refused += rows if refused else 0

    # --- writing ---

    def add(self, news: Iterable[IndexedMessage], notes: Mapping[str, str] | None = None) -> None:
        """Keep what is new of messages, all or nothing. What was known of one before stays, unless it is said anew.

        `notes` are kept with it, in the day of the newest. Raises sqlite3.Error.
        """
        by_day: dict[int, list[IndexedMessage]] = {}
        for one in news:
            first_day = self._day_of(one.message) if one.message.queue else None
            by_day.setdefault(one.message.time // DAY if first_day is None else first_day, []).append(one)
        for number in sorted(by_day):
            day = self._counted(self._open(number))
            day.counted = False  # should it be rolled back
            with _transaction(day.link):
                for one in by_day[number]:
                    self._merge(day, one)
                day.link.execute("INSERT OR REPLACE INTO note VALUES ('left out', ?)", (day.left_out,))
            day.counted = True
        if notes and self._days:
            with _transaction(self._days[max(self._days)].link) as link:
                link.executemany("INSERT OR REPLACE INTO note VALUES (?, ?)", notes.items())

    def _day_of(self, message: Message) -> int | None:
        """The day in which a queue id is known already."""
        newest = message.time // DAY
        for number in range(newest, newest - OPEN, -1):
            if number in self._days and self._ident(self._days[number], message.queue):
                return number
        return None

    @staticmethod
    def _ident(day: _Day, queue: str) -> int | None:
        row = day.link.execute("SELECT max(id) FROM message WHERE queue = ?", (queue,)).fetchone()
        return None if row is None else row[0]

    def _merge(self, day: _Day, one: IndexedMessage) -> None:
        message = one.message
        ident = self._ident(day, message.queue) if message.queue else None
        existed = ident is not None
        if ident is None:
            source = _source(message.place, message.account)
            if not self._room(day, source, 1 + len(message.recipients), refused=message.refused):
                day.left_out += 1
                return
            values = [_plain(getattr(message, name)) for name in _MESSAGE[:-1]]
            marks = ", ".join("?" * (len(values) + 2))
            cursor = day.link.execute(f"INSERT INTO message VALUES ({marks})", (None, *values, one.prints))
            ident = int(cursor.lastrowid or 0)
        else:
            for name in _MESSAGE[1:]:
                value = one.prints if name == "prints" else _plain(getattr(message, name))
                if value and name != "time":
                    day.link.execute(f"UPDATE message SET {name} = ? WHERE id = ?", (value, ident))
        for recipient in message.recipients:
            self._recipient(day, ident, recipient, existed=existed)
        if one.expired:
            given_up = "UPDATE recipient SET state = ?, time = ? WHERE message = ? AND state IN (?, ?)"
            ended = (str(State.BOUNCED), message.time, ident, str(State.WAITING), str(State.DEFERRED))
            day.link.execute(given_up, ended)
        day.link.executemany("INSERT OR IGNORE INTO mark VALUES (?, ?, ?)", [(*mark, ident) for mark in one.marks])

    def _recipient(self, day: _Day, ident: int, one: Recipient, *, existed: bool) -> None:
        """Keep what became of it; what is over does not begin again, and what is known of an account stays.

        `existed`: its message was there before, and counted without it.
        """
        asked = "SELECT state, account FROM recipient WHERE message = ? AND address = ?"
        row = day.link.execute(asked, (ident, one.address)).fetchone()
        if row is None:
            if existed and not self._room_beside(day, ident):
                day.left_out += 1
                return
            fields = [_plain(getattr(one, name)) for name in _RECIPIENT]
            day.link.execute(f"INSERT INTO recipient VALUES (?, {', '.join('?' * len(fields))})", (ident, *fields))
            return
        if one.account and not row[1]:
            filled = "UPDATE recipient SET account = ? WHERE message = ? AND address = ?"
            day.link.execute(filled, (one.account, ident, one.address))
        if one.state is State.WAITING or (row[0] in FINAL and one.state not in FINAL):
            return
        day.link.execute(
            "UPDATE recipient SET state = ?, account = ?, folder = ?, detail = ?, time = ?"
            " WHERE message = ? AND address = ?",
            (str(one.state), one.account or row[1], one.folder, one.detail, one.time, ident, one.address),
        )

    def _room(self, day: _Day, source: str, rows: int, *, refused: bool) -> bool:
        """Whether there is room for rows of a source, which are counted then."""
        most = self.limits.rows_a_day
        free = most - day.rows
        if day.sources[source] + rows > max(free, 0) or (refused and day.refused + rows > most // REFUSED_SHARE):
            return False
        self._count(day, source, rows, refused=refused)
        return True

    def _room_beside(self, day: _Day, ident: int) -> bool:
        """Whether there is room for one more recipient of a message, which is counted then."""
        asked = "SELECT place, account, verdict FROM message WHERE id = ?"
        place, account, verdict = day.link.execute(asked, (ident,)).fetchone()
        return self._room(day, _source(place, account), 1, refused=verdict in _NOT_ACCEPTED)

    def note(self, name: str) -> str:
        """Return a note of the newest day that has it; empty for none."""
        for number in sorted(self._days, reverse=True):
            row = self._days[number].link.execute("SELECT value FROM note WHERE name = ?", (name,)).fetchone()
            if row:
                return str(row[0])
        return ""

    # --- reading ---

    def find(self, query: Query, words: Sequence[bytes] = ()) -> Answer:
        """Return the messages of a query; `words` are the digests of its words. Raises sqlite3.Error."""
        tests, values = conditions.of(query, words)
        messages: list[Message] = []
        days, room = self._days_of(query), likeness.MOST_READ
        if query.like:
            tests.append("id IN (SELECT value FROM json_each(?))")
        columns, condition = ", ".join(_MESSAGE[:-1]), " AND ".join(tests)
        statement = f"SELECT id, {columns} FROM message WHERE {condition} ORDER BY time DESC LIMIT ?"
        for day in days:
            alike = dict[int, int]()
            if query.like:
                alike, read = conditions.alike(day.link, query.like, room + 1)
                room -= read
            among = [json.dumps([*alike])] if query.like else []
            for ident, *row in day.link.execute(statement, (*values, *among, query.most + 1 - len(messages))):
                fields = dict(zip(_MESSAGE, row, strict=False))
                fields |= {"verdict": Verdict(fields["verdict"]), "recipients": self._recipients(day, ident)}
                messages.append(Message(**fields, alike=alike.get(ident, 0)))
            if len(messages) > query.most or room < 0:
                break
        left_out = sum(day.left_out for day in days)
        return Answer(tuple(messages[: query.most]), self._since(), left_out, len(messages) > query.most or room < 0)

    def likeness(self, query: Query, words: Sequence[bytes] = ()) -> Likeness:
        """Return the marks of the texts of the messages of a query, or of their parts. Raises sqlite3.Error."""
        tests, values = conditions.of(query, words)
        statement = f"SELECT id, prints FROM message WHERE {' AND '.join(tests)} ORDER BY time DESC LIMIT ?"
        parts = "SELECT value FROM mark WHERE message = ? AND kind = ?"
        return likeness.of(
            (prints, tuple(part for (part,) in day.link.execute(parts, (ident, conditions.PART))))
            for day in self._days_of(query)
            for ident, prints in day.link.execute(statement, (*values, query.most)).fetchall()
        )

    def _days_of(self, query: Query) -> list[_Day]:
        """The days of a query, the newest first."""
        return [day for number, day in sorted(self._days.items(), reverse=True) if self._within(number, query)]

    def _since(self) -> int:
        """The time of the first message; 0 without one."""
        if not self._days:
            return 0
        (first,) = self._days[min(self._days)].link.execute("SELECT min(time) FROM message").fetchone()
        return int(first or 0)

    @staticmethod
    def _within(number: int, query: Query) -> bool:
        return (number + 1) * DAY > query.since and (not query.until or number * DAY <= query.until)

    @staticmethod
    def _recipients(day: _Day, ident: int) -> tuple[Recipient, ...]:
        asked = f"SELECT {', '.join(_RECIPIENT)} FROM recipient WHERE message = ?"
        return tuple(
            Recipient(address, account, State(state), folder, detail, time)
            for address, account, state, folder, detail, time in day.link.execute(asked, (ident,))
        )

    # --- what goes ---

    def erase(self, accounts: Sequence[str]) -> int:
        """Erase accounts: what came to them, and what they sent. Return the number of rows. Raises sqlite3.Error."""
        count, tables = 0, (("mark", "message"), ("recipient", "message"), ("message", "id"))
        sent, alone = "SELECT id FROM message WHERE account = ?", (
            "SELECT message FROM recipient AS own WHERE account = ? AND NOT EXISTS"
            " (SELECT 1 FROM recipient WHERE message = own.message AND account <> own.account)"
        )  # fmt: skip
        for day in self._days.values():
            before = count
            with _transaction(day.link) as link:
                for one in accounts:
                    idents = [*link.execute(sent, (one,)), *link.execute(alone, (one,))]
                    count += max(0, link.execute("DELETE FROM recipient WHERE account = ?", (one,)).rowcount)
                    for table, column in tables:
                        statement = f"DELETE FROM {table} WHERE {column} = ?"
                        count += max(0, link.executemany(statement, idents).rowcount)
            if count > before:
                day.link.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return count

    def retract(self, boxes: Iterable[Box], *, back: bool) -> None:
        """Note that messages were taken out of boxes, or given back. Raises sqlite3.Error."""
        before, after = (State.RETRACTED, State.FILED) if back else (State.FILED, State.RETRACTED)
        statement = (
            "UPDATE recipient SET state = ? WHERE account = ? AND state = ?"
            " AND message IN (SELECT id FROM message WHERE queue = ?)"
        )
        changes = [(str(after), box.uid, str(before), sign.queue) for box in boxes for sign in box.signs]
        for day in self._days.values():
            with _transaction(day.link) as link:
                link.executemany(statement, changes)

    def prune(self, now: int) -> int:
        """Remove the days that are too old, and the oldest of too much; return the number. Raises OSError."""
        old = [number for number in self._days if number < now // DAY - self.limits.days]
        rest = sorted(self._days.keys() - set(old))
        taken = {number: _size(self._days[number].path) for number in rest}
        while len(rest) > 1 and sum(taken[number] for number in rest) > self.limits.mb * 1_000_000:
            old.append(rest.pop(0))
        for number in old:
            day = self._days.pop(number)
            day.link.close()
            for path in day.path.parent.glob(f"{day.path.name}*"):
                path.unlink(missing_ok=True)
        return len(old)

    def close(self) -> None:
        """Close all files."""
        for day in self._days.values():
            day.link.close()


def _source(place: str, account: str) -> str:
    """The account of ours that sent a message, or the network of its client."""
    if account:
        return account
    try:
        address = ipaddress.ip_address(place)
    except ValueError:
        return "-"
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else 56), strict=False))


def _plain(value: Any) -> Any:
    """A value as SQLite takes it."""
    return str(value) if isinstance(value, str) else value


def _size(path: Path) -> int:
    return sum(one.stat().st_size for one in path.parent.glob(f"{path.name}*"))


@contextlib.contextmanager
def _transaction(link: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    with link:
        link.execute("BEGIN")
        yield link
