"""The ledger of orders on a mail host: what was laid, what was sent. A SQLite file of root's.

It is in no archive. Mail that a restore brings back has no order; an order that a restore brought back would send a
second time what has left meanwhile.
"""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from malleposte.accounts.mailbox.later.model import OPEN, Order, Reason, Row, State

FOLDER = Path("/var/lib/malleposte-later")
FILE = "ledger.sqlite"
DAYS_SENT, DAYS_CANCELLED = 400, 30
DAY = 86_400.0
_FIELDS = Row.__struct_fields__
_SCHEMA = (
    f"CREATE TABLE IF NOT EXISTS orders ({', '.join(_FIELDS)}, changed, PRIMARY KEY (id))",
    "CREATE UNIQUE INDEX IF NOT EXISTS orders_file ON orders (uid, folder, file)",
    "CREATE INDEX IF NOT EXISTS orders_again ON orders (again) WHERE state IN ('ordered', 'submitting', 'sent')",
    "CREATE INDEX IF NOT EXISTS orders_message ON orders (uid, message_id)",
)


class Ledger:
    """The ledger of a host; each thread has one of its own."""

    def __init__(self, path: Path = FOLDER / FILE) -> None:
        """Open it, or make it. Raises sqlite3.Error."""
        self.link = sqlite3.connect(path, timeout=20.0, isolation_level=None, check_same_thread=False)
        # An order that was taken is on the disk: nothing else knows it.
        self.link.execute("PRAGMA journal_mode=WAL")
        self.link.execute("PRAGMA synchronous=FULL")
        for line in _SCHEMA:
            self.link.execute(line)

    def close(self) -> None:
        """Close it."""
        self.link.close()

    def take(self, order: Order, reason: Reason = Reason.NONE) -> bool:
        """Write an order down, with a reason as one that waits; whether it is new."""
        state = State.WAITS if reason else State.ORDERED
        row = Row(
            secrets.token_hex(8), order.uid, order.folder, order.file, order.digest, order.message_id, order.subject,
            order.laid, order.due, state, reason, "", order.due, 0, False, "",
        )  # fmt: skip
        values = [*map(_plain, msgspec.structs.astuple(row)), order.laid]
        marks = ", ".join("?" * len(values))
        statement = f"INSERT OR IGNORE INTO orders VALUES ({marks})"  # noqa: S608  # marks alone
        return self.link.execute(statement, values).rowcount > 0

    def change(self, ident: str, now: float, *, of: Sequence[State] = OPEN, **parts: Any) -> bool:
        """Change an order that is in one of these states; whether it was."""
        assert set(parts) <= set(_FIELDS)
        names = ", ".join(f"{name} = ?" for name in [*parts, "changed"])
        parameters = [*map(_plain, parts.values()), now, ident, *map(str, of)]
        where = f"id = ? AND state IN ({', '.join('?' * len(of))})"
        statement = f"UPDATE orders SET {names} WHERE {where}"  # noqa: S608  # names of fields and marks alone
        return self.link.execute(statement, parameters).rowcount > 0

    def due(self, now: float, most: int) -> list[Row]:
        """Orders to look at now: one of each account, the longest due first."""
        states = "('ordered', 'submitting', 'sent')"
        return self._rows(
            f"state IN {states} AND again <= ? GROUP BY uid HAVING again = MIN(again) ORDER BY again LIMIT ?", now, most
        )

    def open(self, uid: str = "") -> list[Row]:
        """Orders that are not done, of an account or of all."""
        states = ", ".join(f"'{one}'" for one in OPEN)
        return self._rows(f"state IN ({states}) AND (uid = ? OR ? = '') ORDER BY due", uid, uid)

    def get(self, uid: str, ident: str) -> Row | None:
        """An order of an account."""
        return next(iter(self._rows("id = ? AND uid = ?", ident, uid)), None)

    def burst(self, uid: str, since: float, now: float) -> int:
        """Let the orders of an account that were laid since then wait, and return their number."""
        self.link.execute(
            "UPDATE orders SET state = 'waits', reason = ?, changed = ? "
            "WHERE uid = ? AND laid >= ? AND state = 'ordered'",
            (Reason.MANY, now, uid, since),
        )
        return self.laid(uid, since)

    def laid(self, uid: str, since: float) -> int:
        """Orders of an account that were laid since then."""
        return int(
            self.link.execute("SELECT count(*) FROM orders WHERE uid = ? AND laid >= ?", (uid, since)).fetchone()[0]
        )

    def sent(self, row: Row) -> bool:
        """Whether another order of the same message was handed to the mail server."""
        rows = self._rows(
            "uid = ? AND id != ? AND state IN ('submitting', 'sent', 'filed') "
            "AND (digest = ? OR (message_id = ? AND message_id != '')) LIMIT 1",
            row.uid, row.id, row.digest, row.message_id,
        )  # fmt: skip
        return bool(rows)

    def off(self, uid: str, now: float) -> None:
        """Let the orders of an account wait that have not begun to leave."""
        self.link.execute(
            "UPDATE orders SET state = 'waits', reason = ?, changed = ? WHERE uid = ? AND state = 'ordered'",
            (Reason.OFF, now, uid),
        )

    def clean(self, now: float) -> None:
        """Remove what is long done."""
        self.link.execute(
            "DELETE FROM orders WHERE (state = 'cancelled' AND changed < ?) OR (state = 'filed' AND changed < ?)",
            (now - DAYS_CANCELLED * DAY, now - DAYS_SENT * DAY),
        )

    def erase(self, uid: str) -> bool:
        """Remove the orders of an account that ends; whether there were any."""
        return self.link.execute("DELETE FROM orders WHERE uid = ?", (uid,)).rowcount > 0

    def _rows(self, where: str, *parameters: object) -> list[Row]:
        statement = f"SELECT {', '.join(_FIELDS)} FROM orders WHERE {where}"  # noqa: S608  # conditions of this file
        rows = self.link.execute(statement, parameters).fetchall()
        return [msgspec.convert(dict(zip(_FIELDS, one, strict=True)), Row, strict=False) for one in rows]


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, (State, Reason)) else int(value) if isinstance(value, bool) else value


@contextlib.contextmanager
def opened(path: Path = FOLDER / FILE) -> Iterator[Ledger]:
    """The ledger for one question."""
    ledger = Ledger(path)
    try:
        yield ledger
    finally:
        ledger.close()
