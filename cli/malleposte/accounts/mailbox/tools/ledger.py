"""The ledger of a mail host: messages to tell elsewhere, what was told, and what its owner was told of that.

A SQLite file of root's, in no archive: what a restore brought back would be told a second time. It knows the events of
the agendas that rules watch, too: a rule that is not known here begins anew, and tells of nothing that is there.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from malleposte.accounts.mailbox.tools.events.model import MOST_SEEN, Event, News, Watch
from malleposte.accounts.mailbox.tools.kinds.base import Note
from malleposte.accounts.mailbox.tools.model import DAY, MOST, MOST_A_DAY, Order, Row, Rule, State

FOLDER = Path("/var/lib/malleposte-tools")
FILE = "ledger.sqlite"
DAYS_TITLE, DAYS = 30, 180
"""Days for which the title of a told message is there, and those for which it is known that it was told."""
_FIELDS = Row.__struct_fields__
_SCHEMA = (
    f"CREATE TABLE IF NOT EXISTS orders ({', '.join(_FIELDS)}, PRIMARY KEY (id)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS orders_open ON orders (uid, rule, again) WHERE state = 'open'",
    "CREATE INDEX IF NOT EXISTS orders_made ON orders (uid, made)",
    "CREATE TABLE IF NOT EXISTS letters (uid, rule, about, at, PRIMARY KEY (uid, rule, about)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS watches (uid, rule, since, cursor, gone, PRIMARY KEY (uid, rule)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS seen (uid, rule, event, at, PRIMARY KEY (uid, rule, event)) WITHOUT ROWID",
)
_OF_RULE = ("letters", "watches", "seen")
"""Tables that have nothing of a rule that is gone."""


def key(uid: str, rule: str, message_id: str) -> str:
    """The key of a message and a rule: the same order is never twice in the ledger, and tools know it by this key."""
    return hashlib.sha256(f"{uid}\0{rule}\0{message_id}".encode()).hexdigest()[:40]


class Ledger:
    """The ledger of a host, for several threads."""

    def __init__(self, path: Path = FOLDER / FILE) -> None:
        """Open it, or make it. Raises sqlite3.Error."""
        self._lock = threading.Lock()
        self._link = sqlite3.connect(path, timeout=20.0, isolation_level=None, check_same_thread=False)
        # An order that was taken is on the disk: nothing else knows it.
        for line in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", *_SCHEMA):
            self._do(line)

    def close(self) -> None:
        """Close it."""
        self._link.close()

    def take(self, order: Order, tool: str, link: str) -> bool:
        """Write an order down; whether it is new."""
        ident = key(order.uid, order.rule, order.message_id)
        note = Note(ident, order.title, order.sender, link, order.text)
        return self._add(order.uid, order.rule, tool, note, order.at)

    def take_event(self, uid: str, rule: Rule, event: Event, now: float) -> bool:
        """Write down that an event is told; whether it is new."""
        ident = key(uid, rule.id, f"event {event.key}")
        place = event.place if rule.place else ""
        note = Note(ident, event.title, "", "", begin=event.begin, end=event.end, place=place)
        return self._add(uid, rule.id, rule.tool, note, now)

    def _add(self, uid: str, rule: str, tool: str, note: Note, at: float) -> bool:
        text = msgspec.json.encode(note).decode()
        row = Row(note.key, uid, rule, tool, note.title, text, at, State.OPEN, "", at, 0, at)
        values = [*map(_plain, msgspec.structs.astuple(row))]
        marks = ", ".join("?" * len(values))
        return self._do(f"INSERT OR IGNORE INTO orders VALUES ({marks})", *values) > 0  # noqa: S608  # marks alone

    def change(self, ident: str, now: float, **parts: Any) -> bool:
        """Change an order that is open; whether it was."""
        assert set(parts) <= set(_FIELDS)
        names = ", ".join(f"{name} = ?" for name in [*parts, "changed"])
        parameters = [*map(_plain, parts.values()), now, ident]
        statement = f"UPDATE orders SET {names} WHERE id = ? AND state = 'open'"  # noqa: S608  # names of fields alone
        return self._do(statement, *parameters) > 0

    def delay(self, uid: str, rule: str, again: float) -> None:
        """Let all open orders of a rule wait until then; 0 wakes them."""
        set_to = "MAX(again, ?)" if again else "?"
        self._do(
            f"UPDATE orders SET again = {set_to} WHERE uid = ? AND rule = ? AND state = 'open'",  # noqa: S608
            again, uid, rule,
        )  # fmt: skip

    def due(self, now: float) -> list[Row]:
        """Orders to look at now: of each rule the one that waits longest."""
        return self._rows(
            "state = 'open' AND again <= ? GROUP BY uid, rule HAVING made = MIN(made) ORDER BY again LIMIT 5000", now
        )

    def open(self, uid: str) -> list[Row]:
        """Orders of an account that are not told yet."""
        return self._rows("state = 'open' AND uid = ?", uid)

    def of_late(self, uid: str, most: int) -> list[Row]:
        """Orders of an account that are done, the latest first, without those whose title is gone."""
        return self._rows("state != 'open' AND uid = ? AND title != '' ORDER BY changed DESC LIMIT ?", uid, most)

    def last(self, uid: str) -> dict[tuple[str, bool], tuple[float, str]]:
        """The last time at which the tool of each rule took a message (True) or did not (False), and the detail."""
        rows = self._ask(
            "SELECT rule, state = 'told' AS good, MAX(changed), detail FROM orders "
            "WHERE uid = ? AND (state != 'open' OR tries > 0) GROUP BY rule, good",
            uid,
        )
        return {(rule, bool(good)): (changed, detail) for rule, good, changed, detail in rows}

    def count_since(self, uid: str, since: float) -> int:
        """Orders of an account that were made since then."""
        return int(self._ask("SELECT count(*) FROM orders WHERE uid = ? AND made >= ?", uid, since)[0][0])

    def full(self, uid: str, now: float) -> bool:
        """Whether an account may give no order now."""
        return len(self.open(uid)) >= MOST or self.count_since(uid, now - DAY) >= MOST_A_DAY

    def watch(self, uid: str, rule: Rule) -> Watch:
        """A rule that tells of events, as it is watched."""
        assert rule.agenda is not None
        rows = self._ask("SELECT since, cursor, gone FROM watches WHERE uid = ? AND rule = ?", uid, rule.id)
        return Watch(uid, rule.id, rule.agenda, *(rows[0] if rows else ()))

    def unseen(self, uid: str, rule: str, keys: Sequence[str]) -> list[str]:
        """The events of these that are not known."""
        seen = self._ask(
            "SELECT event FROM seen WHERE uid = ? AND rule = ? AND event IN (SELECT value FROM json_each(?))",
            uid, rule, msgspec.json.encode([*keys]).decode(),
        )  # fmt: skip
        there = {event for (event,) in seen}
        return [one for one in keys if one not in there]

    def looked(self, uid: str, rule: str, news: News, now: float) -> None:
        """Note the end of a look, all of it or nothing."""
        with self._lock, _whole(self._link) as link:
            if news.anew:
                for table in ("watches", "seen"):
                    link.execute(f"DELETE FROM {table} WHERE uid = ? AND rule = ?", (uid, rule))  # noqa: S608
            link.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?)",
                             [(uid, rule, one, now) for one in news.keys])  # fmt: skip
            link.execute(
                "DELETE FROM seen WHERE uid = ? AND rule = ? AND event IN "
                "(SELECT event FROM seen WHERE uid = ? AND rule = ? ORDER BY at DESC LIMIT -1 OFFSET ?)",
                (uid, rule, uid, rule, MOST_SEEN),
            )
            link.execute(
                "INSERT INTO watches VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (uid, rule) DO UPDATE SET cursor = excluded.cursor, gone = excluded.gone",
                (uid, rule, news.cursor, news.cursor, news.gone),
            )

    def unwatch(self, uid: str, rule: str) -> None:
        """Forget the agenda of a rule, which begins anew if it tells again."""
        for table in ("watches", "seen"):
            self._do(f"DELETE FROM {table} WHERE uid = ? AND rule = ?", uid, rule)  # noqa: S608  # names of ours

    def end_rule(self, uid: str, rule: str, now: float) -> None:
        """End the open orders of a rule that is gone."""
        self._do(
            "UPDATE orders SET state = 'ended', detail = 'rule', note = '', changed = ? "
            "WHERE uid = ? AND rule = ? AND state = 'open'",
            now, uid, rule,
        )  # fmt: skip

    def to_write(self, uid: str, rule: str, about: str, now: float, pause: float) -> bool:
        """Whether the owner is to be written to about this: nobody did within `pause` seconds. It is noted."""
        if self._ask("SELECT 1 FROM letters WHERE uid = ? AND rule = ? AND about = ? AND at > ?",
                     uid, rule, about, now - pause):  # fmt: skip
            return False
        return self._do("INSERT OR REPLACE INTO letters VALUES (?, ?, ?, ?)", uid, rule, about, now) > 0

    def written_off(self, uid: str, rule: str) -> None:
        """Forget what the owner was written about a rule, which tells again."""
        self._do("DELETE FROM letters WHERE uid = ? AND rule = ?", uid, rule)

    def clean(self, now: float) -> None:
        """Remove what is long done."""
        self._do("UPDATE orders SET title = '' WHERE state != 'open' AND changed < ?", now - DAYS_TITLE * DAY)
        self._do("DELETE FROM orders WHERE state != 'open' AND changed < ?", now - DAYS * DAY)
        self._do("DELETE FROM letters WHERE at < ?", now - DAYS * DAY)

    def erase(self, uid: str) -> bool:
        """Remove the orders of an account that ends; whether there were any."""
        for table in _OF_RULE:
            self._do(f"DELETE FROM {table} WHERE uid = ?", uid)  # noqa: S608  # names of ours
        return self._do("DELETE FROM orders WHERE uid = ?", uid) > 0

    def _rows(self, where: str, *parameters: object) -> list[Row]:
        rows = self._ask(f"SELECT {', '.join(_FIELDS)} FROM orders WHERE {where}", *parameters)  # noqa: S608
        return [msgspec.convert(dict(zip(_FIELDS, one, strict=True)), Row, strict=False) for one in rows]

    def _ask(self, statement: str, *parameters: object) -> Sequence[tuple[Any, ...]]:
        with self._lock:
            return self._link.execute(statement, parameters).fetchall()

    def _do(self, statement: str, *parameters: object) -> int:
        with self._lock:
            return self._link.execute(statement, parameters).rowcount


@contextlib.contextmanager
def _whole(link: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """A transaction."""
    link.execute("BEGIN IMMEDIATE")
    try:
        yield link
    except BaseException:
        link.execute("ROLLBACK")
        raise
    link.execute("COMMIT")


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, State) else value


@contextlib.contextmanager
def opened(path: Path = FOLDER / FILE) -> Iterator[Ledger]:
    """The ledger for one question."""
    ledger = Ledger(path)
    try:
        yield ledger
    finally:
        ledger.close()
