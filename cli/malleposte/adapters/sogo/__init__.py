"""SOGo 5: its tables, the files of its tool, the keys of its memcached. No other package knows a name of theirs.

A function takes `sql`, which runs statements in SOGo's database and returns what they print (`postgresql.sql`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

type Sql = Callable[[str], str]
"""Statements for SOGo's database -> what they print."""
type Forget = Callable[[Iterable[str]], None]
"""Has SOGo's memcached forget these keys."""

CALENDAR, CONTACTS = "Calendar", "Contacts"
"""The modules: agendas, and address books."""
