"""The file of the reports: a SQLite database of one host, which the daemon `reports` alone opens.

Its size is bounded: so many rows in all, each of bounded length; the oldest reports go first.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from malleposte.reports.model import DAY, DmarcReport, Head, Report
from malleposte.runtime import durable

MOST = 1_000_000
"""Rows in all; one takes about 120 bytes."""
REFUSALS = 100
"""The last refused reports that are kept."""
KEPT, KNOWN, REFUSED, DROPPED = "kept", "known", "refused", "dropped"
"""Outcomes of a report: kept; there already; refused, for its content; dropped unread, since a budget is spent."""
_TABLES = (
    "CREATE TABLE IF NOT EXISTS reports (id INTEGER PRIMARY KEY, kind, organisation, report, domain, begin, end,"
    " received, rows, UNIQUE (kind, organisation, report))",
    "CREATE INDEX IF NOT EXISTS reports_end ON reports (kind, end)",
    "CREATE TABLE IF NOT EXISTS results (report, source, disposition, dkim, spf, header_from, count)",
    "CREATE INDEX IF NOT EXISTS results_report ON results (report)",
    "CREATE INDEX IF NOT EXISTS results_source ON results (source)",
    "CREATE TABLE IF NOT EXISTS sessions (report, policy, failure, server, count)",
    "CREATE INDEX IF NOT EXISTS sessions_report ON sessions (report)",
    "CREATE TABLE IF NOT EXISTS outcomes (day, outcome, count, PRIMARY KEY (day, outcome)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS spent (day, network, messages, bytes, rows, PRIMARY KEY (day, network)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS refusals (id INTEGER PRIMARY KEY, received, sender, organisation, report, reason)",
)
_ROWS = {
    "results": "source, disposition, dkim, spf, header_from, count",
    "sessions": "policy, failure, server, count",
}
"""The columns of a report's rows beside the report."""
ALL, HERE = "all", "here"
"""The names under which the whole of a day is spent, beside each network, and mail of this host."""


@dataclass(frozen=True)
class Budget:
    """Messages, bytes and rows that are taken in a day."""

    messages: int
    bytes: int
    rows: int


OF_ALL = Budget(messages=4_000, bytes=400 * 1024**2, rows=40_000)
OF_NETWORK = Budget(messages=1_000, bytes=100 * 1024**2, rows=10_000)
"""One network spends a quarter of a day at most."""


@dataclass(frozen=True)
class Refusal:
    """A refused report: when it came (seconds since 1970), the sender's domain, whose it claims to be, and why."""

    received: int
    sender: str
    organisation: str
    report: str
    reason: str


class Store:
    """The reports. For one thread at a time."""

    def __init__(self, path: Path | str, *, most: int = MOST) -> None:
        """Open or make the file. Raises sqlite3.Error."""
        self.most = most
        self.link = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            self.link.execute("PRAGMA journal_mode = WAL")
            for statement in _TABLES:
                self.link.execute(statement)
        except sqlite3.Error:
            self.link.close()
            raise

    def spend(self, now: float, network: str, cost: Budget, whole: Budget = OF_ALL, each: Budget = OF_NETWORK) -> bool:
        """Take a cost from today's budgets, that of a network and the whole; False, and nothing, where one is spent."""
        day, budgets = int(now) // DAY, {ALL: whole, network or HERE: each}
        with self._transaction():
            for name, budget in budgets.items():
                asked = "SELECT messages, bytes, rows FROM spent WHERE day = ? AND network = ?"
                spent = Budget(*(self.link.execute(asked, (day, name)).fetchone() or (0, 0, 0)))
                if (
                    spent.messages + cost.messages > budget.messages
                    or spent.bytes + cost.bytes > budget.bytes
                    or spent.rows + cost.rows > budget.rows
                ):
                    return False
            self.link.executemany(
                "INSERT INTO spent VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                " messages = messages + excluded.messages, bytes = bytes + excluded.bytes, rows = rows + excluded.rows",
                ((day, name, cost.messages, cost.bytes, cost.rows) for name in budgets),
            )
        return True

    def has(self, head: Head) -> bool:
        """Whether a report of this key is there."""
        asked = "SELECT 1 FROM reports WHERE kind = ? AND organisation = ? AND report = ?"
        return self.link.execute(asked, (head.kind, head.organisation, head.report)).fetchone() is not None

    def add(self, one: Report, now: float) -> bool:
        """Keep a report; False where one of its key is there already. Raises sqlite3.Error."""
        head = one.head
        rows = len(one.results) if isinstance(one, DmarcReport) else len(one.sessions)
        with self._transaction():
            key = (head.kind, head.organisation, head.report, head.domain, head.begin, head.end, int(now), rows)
            added = self.link.execute(
                "INSERT INTO reports (kind, organisation, report, domain, begin, end, received, rows)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
                key,
            ).fetchone()
            if added is None:
                return False
            if isinstance(one, DmarcReport):
                self.link.executemany(
                    "INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        (added[0], each.source, each.disposition, each.dkim, each.spf, each.header_from, count)
                        for each, count in one.results.items()
                    ),
                )
            else:
                self.link.executemany(
                    "INSERT INTO sessions VALUES (?, ?, ?, ?, ?)",
                    ((added[0], each.policy, each.failure, each.server, count) for each, count in one.sessions.items()),
                )
        return True

    def count(self, now: float, outcome: str) -> None:
        """Count what became of a report today."""
        self.link.execute(
            "INSERT INTO outcomes VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1",
            (int(now) // DAY, outcome),
        )

    def refuse(self, one: Refusal) -> None:
        """Note a refused report; the oldest notes go."""
        with self._transaction():
            added = self.link.execute(
                "INSERT INTO refusals (received, sender, organisation, report, reason) VALUES (?, ?, ?, ?, ?)",
                (one.received, one.sender, one.organisation, one.report, one.reason),
            ).lastrowid
            self.link.execute("DELETE FROM refusals WHERE id <= ?", ((added or 0) - REFUSALS,))

    def prune(self, now: float, days: int) -> int:
        """Remove reports that ended more than `days` days ago, and the oldest of too many; return the number."""
        first = int(now) - days * DAY
        with self._transaction():
            (total,) = self.link.execute(
                "SELECT coalesce(sum(rows), 0) FROM reports WHERE end >= ?", (first,)
            ).fetchone()
            for end, rows in self.link.execute("SELECT end, rows FROM reports WHERE end >= ? ORDER BY end", (first,)):
                if total <= self.most:
                    break
                total, first = total - rows, end + 1
            self.link.execute("DELETE FROM results WHERE report IN (SELECT id FROM reports WHERE end < ?)", (first,))
            self.link.execute("DELETE FROM sessions WHERE report IN (SELECT id FROM reports WHERE end < ?)", (first,))
            removed = self.link.execute("DELETE FROM reports WHERE end < ?", (first,)).rowcount
            day = int(now) // DAY
            self.link.execute("DELETE FROM spent WHERE day < ?", (day - 1,))
            self.link.execute("DELETE FROM outcomes WHERE day < ?", (day - days,))
            self.link.execute("DELETE FROM refusals WHERE received < ?", (int(now) - days * DAY,))
        return removed

    def merge(self, path: Path) -> int:
        """Add the reports of a copy that are not here (a host that was restored); return the number.

        Raises sqlite3.Error.
        """
        key = "ours.kind = theirs.kind AND ours.organisation = theirs.organisation AND ours.report = theirs.report"
        head = "kind, organisation, report, domain, begin, end, received, rows"
        self.link.execute("ATTACH ? AS copy", (str(path),))
        try:
            with self._transaction():
                (last,) = self.link.execute("SELECT coalesce(max(id), 0) FROM reports").fetchone()
                added = self.link.execute(
                    f"INSERT INTO reports ({head}) SELECT {head} FROM copy.reports AS theirs"  # noqa: S608  # our words
                    f" WHERE NOT EXISTS (SELECT 1 FROM reports AS ours WHERE {key})"
                ).rowcount
                for table, columns in _ROWS.items():
                    self.link.execute(
                        f"INSERT INTO {table} SELECT ours.id, {columns} FROM copy.{table} AS rows"  # noqa: S608
                        f" JOIN copy.reports AS theirs ON theirs.id = rows.report"
                        f" JOIN reports AS ours ON {key} AND ours.id > ?",
                        (last,),
                    )
        finally:
            self.link.execute("DETACH copy")
        return added

    def copy(self, path: Path) -> None:
        """Replace a file by a whole copy, which a backup may read at any time. Raises OSError, sqlite3.Error."""
        beside = path.with_name("making.sqlite")
        beside.unlink(missing_ok=True)
        try:
            self.link.execute("VACUUM INTO ?", (str(beside),))
            with beside.open("rb") as source, durable.replacing(path) as file:
                shutil.copyfileobj(source, file)
        finally:
            beside.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with self.link:
            self.link.execute("BEGIN IMMEDIATE")
            yield

    def close(self) -> None:
        """Close the file."""
        self.link.close()
