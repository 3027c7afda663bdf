"""The channel of Roundcube: its table of sessions, each a serialised text in base64 that holds the account's name."""

from __future__ import annotations

from collections.abc import Callable

from malleposte.accounts.channels import checked


def statement(uid: str) -> str:
    """The SQL that removes an account's sessions."""
    mark = f'username|s:{len(checked(uid))}:"{uid}";'
    return f"DELETE FROM session WHERE position(convert_to('{mark}', 'UTF8') IN decode(vars, 'base64')) > 0;"


class Roundcube:
    """Roundcube, by its database: for root."""

    name = "roundcube"

    def __init__(self, database: str, sql: Callable[[str, str], object]) -> None:
        """`database`: its name; `sql` runs statements in one."""
        self.database, self.sql = database, sql

    def close(self, uid: str) -> None:
        """See Channel."""
        self.sql(self.database, statement(uid))

    def forget(self, uid: str) -> None:
        """See Channel: it keeps nothing but sessions."""
