"""The door of Roundcube: its table of sessions, each a serialised text in base64 that holds the account's name."""

from __future__ import annotations

import subprocess

from malleposte.accounts.doors import checked
from malleposte.errors import MallepostError

TIMEOUT = 30  # seconds


def statement(uid: str) -> str:
    """The SQL that removes an account's sessions."""
    mark = f'username|s:{len(checked(uid))}:"{uid}";'
    return f"DELETE FROM session WHERE position(convert_to('{mark}', 'UTF8') IN decode(vars, 'base64')) > 0;"


def psql(database: str, text: str) -> str:
    """Run SQL in a database of this host as its administrator; what it prints. Raises MallepostError."""
    argv = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database, "-f", "-"]
    try:
        done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False, timeout=TIMEOUT)
    except subprocess.TimeoutExpired as error:
        raise MallepostError(f"database {database}: no answer in {TIMEOUT} s") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"psql ended with {done.returncode}"]
        raise MallepostError(f"database {database}: {lines[-1]}", "look at 'systemctl status postgresql@17-main'")
    return done.stdout


class Roundcube:
    """Roundcube, whose database is on this host: for root."""

    name = "roundcube"

    def __init__(self, database: str) -> None:
        """`database`: its name."""
        self.database = database

    def close(self, uid: str) -> None:
        """See Door."""
        psql(self.database, statement(uid))

    def forget(self, uid: str) -> None:
        """See Door: it remembers nothing but sessions."""
