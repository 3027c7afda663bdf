"""The channel of Roundcube: its table of sessions, each a serialised text in base64 that holds the account's name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from malleposte.accounts.channels import checked
from malleposte.adapters.postgresql import quoted


def statement(*uids: str) -> str:
    """The SQL that removes accounts' sessions."""
    marks = ", ".join(quoted(f'username|s:{len(checked(uid))}:"{uid}";') for uid in uids)
    condition = "position(convert_to(mark, 'UTF8') IN decode(vars, 'base64')) > 0"
    return f"DELETE FROM session WHERE EXISTS (SELECT 1 FROM unnest(ARRAY[{marks}]) AS mark WHERE {condition});"


class Roundcube:
    """Roundcube, by its database: for root."""

    name = "roundcube"

    def __init__(self, database: str, sql: Callable[[str, str], object]) -> None:
        """`database`: its name; `sql` runs statements in one."""
        self.database, self.sql = database, sql

    def close(self, uid: str) -> None:
        """See Channel."""
        self.close_many([uid])

    def close_many(self, uids: Sequence[str]) -> None:
        """See Channel."""
        self.sql(self.database, statement(*uids))

    def forget(self, uid: str) -> None:
        """See Channel: it keeps nothing but sessions."""
