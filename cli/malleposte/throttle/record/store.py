"""The record's file: a SQLite database of one host, which the daemon `record` alone opens.

Its size is bounded: so many rows an account and kind, so many in all, each of bounded length; the oldest go first. What
is erased is overwritten (`secure_delete`).
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from malleposte.throttle.record.model import KINDS, Event, Kept, LogIn, Refusal, Seen

DAY = 86_400
EACH = 100
"""Rows of an account: of accepted log-ins, of refused ones, of refused messages."""
MOST = 2_000_000
"""Rows of a kind in all; a row takes about 150 bytes."""
_SPLIT = {"logins": "accepted", "refusals": "way"}
"""The column by which the rows of an account are counted apart: guesses push out no log-in that was accepted."""


@dataclass(frozen=True)
class Table:
    """The statements on one kind of events."""

    make: tuple[str, ...]
    add: str
    trim: str
    of: str
    erase: str
    beyond: str
    prune: str

    @classmethod
    def named(cls, name: str, columns: Sequence[str], part: str) -> Table:
        """Made of names that this module and `model` know: no value is in a statement."""
        listed, old = ", ".join(columns), f"{name}.first < excluded.last - ?"
        marks = ", ".join("?" * (len(columns) + 3))
        return cls(
            make=(
                f"CREATE TABLE IF NOT EXISTS {name} ({listed}, first, last, count,"
                f" PRIMARY KEY ({listed})) WITHOUT ROWID",
                f"CREATE INDEX IF NOT EXISTS {name}_last ON {name} (last)",
            ),
            add=f"INSERT INTO {name} VALUES ({marks}) ON CONFLICT DO UPDATE SET last = max(last, excluded.last),"
            f" first = CASE WHEN {old} THEN excluded.first ELSE first END,"
            f" count = CASE WHEN {old} THEN excluded.count ELSE count + excluded.count END",
            trim=f"DELETE FROM {name} WHERE account = ? AND {part} = ? AND last <= (SELECT last FROM {name}"
            f" WHERE account = ? AND {part} = ? ORDER BY last DESC LIMIT 1 OFFSET ?)",
            of=f"SELECT * FROM {name} WHERE account = ? ORDER BY last DESC",
            erase=f"DELETE FROM {name} WHERE account = ?",
            beyond=f"SELECT max(last) FROM (SELECT last FROM {name} ORDER BY last DESC LIMIT -1 OFFSET ?)",
            prune=f"DELETE FROM {name} WHERE last < ?",
        )


TABLES: Mapping[str, Table] = {
    name: Table.named(name, [one.name for one in fields(kind)], _SPLIT[name]) for name, kind in KINDS.items()
}

_SUBMISSION = (
    "CREATE TABLE IF NOT EXISTS submission (account, place, last, ended, PRIMARY KEY (account, place)) WITHOUT ROWID"
)
"""The last log-in to submission of an account from an address, and whether its sessions have ended since."""


class Store:
    """The record. For one thread."""

    def __init__(self, path: Path | str, days: int, *, each: int = EACH, most: int = MOST) -> None:
        """Open or make the file. `days`: how long an event is kept after its last time. Raises sqlite3.Error."""
        self.days, self.each, self.most = days, each, most
        self._link = sqlite3.connect(path, isolation_level=None)
        try:
            for line in ("journal_mode = WAL", "synchronous = NORMAL", "secure_delete = ON"):
                self._link.execute(f"PRAGMA {line}")
            for table in TABLES.values():
                for statement in table.make:
                    self._link.execute(statement)
            self._link.execute(_SUBMISSION)
        except sqlite3.Error:
            self._link.close()
            raise

    def add(self, events: Iterable[Seen[Any]]) -> None:
        """Keep events, all of them or none. Raises sqlite3.Error.

        A row of which the first time is too long ago begins anew: nothing older than `days` is told of anybody.
        """
        with self._transaction():
            touched = set()
            for one in events:
                name = next(name for name, kind in KINDS.items() if isinstance(one.event, kind))
                row = (*astuple(one.event), one.first, one.last, one.count)
                self._link.execute(TABLES[name].add, (*row, self.days * DAY, self.days * DAY))
                touched.add((name, one.event.account, getattr(one.event, _SPLIT[name])))
            for name, account, part in touched:
                self._link.execute(TABLES[name].trim, (account, part, account, part, self.each))

    def sends(self, log_ins: Mapping[tuple[str, str], int]) -> None:
        """Keep the last log-ins to submission, by account and address."""
        with self._transaction():
            rows = [(*one, last) for one, last in log_ins.items()]
            self._link.executemany("INSERT OR REPLACE INTO submission VALUES (?, ?, ?, FALSE)", rows)

    def end(self, account: str) -> int:
        """End what these log-ins of an account have opened, and return the number."""
        with self._transaction():
            return self._link.execute("UPDATE submission SET ended = TRUE WHERE account = ?", (account,)).rowcount

    def ended(self, account: str, place: str) -> bool:
        """Whether sessions of submission from an address are from before the end of the account's."""
        asked = "SELECT 1 FROM submission WHERE account = ? AND place = ? AND ended"
        return self._link.execute(asked, (account, place)).fetchone() is not None

    def of(self, account: str) -> Kept:
        """The record about an account."""
        return Kept(tuple(self._rows(LogIn, "logins", account)), tuple(self._rows(Refusal, "refusals", account)))

    def _rows[E: Event](self, kind: type[E], name: str, account: str) -> Iterable[Seen[E]]:
        names = [one.name for one in fields(kind)]
        for row in self._link.execute(TABLES[name].of, (account,)):
            values = dict(zip(names, row[: len(names)], strict=True))
            if "accepted" in values:
                values["accepted"] = bool(values["accepted"])
            yield Seen(kind(**values), *row[len(names) :])

    def erase(self, account: str) -> int:
        """Erase the rows of an account, and return their number."""
        with self._transaction():
            count = sum(self._link.execute(table.erase, (account,)).rowcount for table in TABLES.values())
            count += self._link.execute("DELETE FROM submission WHERE account = ?", (account,)).rowcount
        self._link.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return count

    def prune(self, now: int) -> int:
        """Erase what is too old, and the oldest of too much; return the number of rows."""
        count = 0
        with self._transaction():
            for table in TABLES.values():
                (beyond,) = self._link.execute(table.beyond, (self.most,)).fetchone()
                end = max(now - self.days * DAY, 0 if beyond is None else beyond + 1)
                count += self._link.execute(table.prune, (end,)).rowcount
            count += self._link.execute("DELETE FROM submission WHERE last < ?", (now - self.days * DAY,)).rowcount
        return count

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._link:
            self._link.execute("BEGIN")
            yield

    def close(self) -> None:
        """Close the file."""
        self._link.close()
