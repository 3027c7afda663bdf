"""A database back whole: loaded beside the live one, then both change names in one transaction."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from malleposte.adapters import postgresql
from malleposte.backup.restore.model import STAMP, Copy, Outcome
from malleposte.backup.restore.vault import Archives
from malleposte.core.errors import InputError

NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
NO_UNIT = 5
"""The exit code of systemctl(1) for a unit that the host does not have."""
RIGHTS = """
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', '{scratch}') FROM pg_database
  WHERE datname = '{live}' AND datacl IS NOT NULL
UNION ALL
SELECT format('GRANT %s ON DATABASE %I TO %s', one.privilege_type, '{scratch}',
              CASE one.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(one.grantee)) END)
  FROM pg_database, aclexplode(datacl) AS one WHERE datname = '{live}' AND datacl IS NOT NULL
"""


class Postgres:
    """PostgreSQL of this host, entered as its administrator."""

    def __init__(self, followers: Mapping[str, Sequence[str]] | None = None) -> None:
        """`followers`: units of this host that cache the content of a database, by its name."""
        self._followers = followers or {}

    def sql(self, text: str, database: str = "postgres") -> str:
        """Run SQL as the administrator, stopping at an error; what it prints, unaligned. Raises MallepostError."""
        return postgresql.sql(database, text)

    def load(self, dump: Path, database: str) -> None:
        """pg_restore a custom dump into an empty database. Raises MallepostError."""
        with dump.open("rb") as stream:
            postgresql.program(["pg_restore", "--exit-on-error", "-d", database], stream)

    def settle(self, database: str) -> list[str]:
        """Restart the units that cache the old content; those that would not."""
        return settle(self._followers.get(database, ()))


def check_name(name: str) -> None:
    """Raises InputError on what is no plain name of a database."""
    if not NAME.fullmatch(name):
        raise InputError(f"{name!r} is no name of a database", "backup list shows them")


def load_beside(
    name: str, source: Archives, server: Postgres, work: Path, say: Callable[[str], None]
) -> tuple[Copy, str]:
    """The archive's database under a name of its own, with owner, locale and rights of the live one; that name."""
    check_name(name)
    scratch = f"{name}_restore"
    if not server.sql(f"SELECT 1 FROM pg_database WHERE datname = '{name}'").strip():
        raise InputError(f"no database {name} on this host", "deploy the service that owns it first")
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    dump = work / f"{name}.dump"
    try:
        say("extracting")
        copy = source.dump(f"postgresql-{name}", dump)
        server.sql(f'DROP DATABASE IF EXISTS "{scratch}"')
        like = server.sql(
            "SELECT format('CREATE DATABASE %I OWNER %I TEMPLATE template0 ENCODING %L LOCALE_PROVIDER %s %s'"
            f", '{scratch}', pg_get_userbyid(datdba), pg_encoding_to_char(encoding)"
            ", CASE datlocprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END"
            ", concat_ws(' ', format('LC_COLLATE %L LC_CTYPE %L', datcollate, datctype)"
            ", CASE WHEN datlocale IS NOT NULL AND datlocprovider = 'i' THEN format('ICU_LOCALE %L', datlocale)"
            " WHEN datlocale IS NOT NULL THEN format('BUILTIN_LOCALE %L', datlocale) END))"
            f" FROM pg_database WHERE datname = '{name}'"
        )
        server.sql(like)
        say(f"loading {copy} beside the live database")
        server.load(dump, scratch)
    finally:
        dump.unlink(missing_ok=True)
    return copy, scratch


def restore(
    name: str,
    source: Archives,
    server: Postgres,
    work: Path,
    *,
    beside: bool = False,
    discard: bool = False,
    say: Callable[[str], None] = print,
) -> Outcome:
    """The whole database as the archive has it, or a second one beside it."""
    begun = time.monotonic()
    copy, scratch = load_beside(name, source, server, work, say)
    outcome = Outcome(f"database {name}", copy, {"rows": _rows(server, scratch)})
    if beside:
        outcome.notes.append(f"it is the database {scratch}; remove it with: runuser -u postgres -- dropdb {scratch}")
    else:
        for grant in server.sql(RIGHTS.format(live=name, scratch=scratch)).splitlines():
            server.sql(grant)
        aside = f"{name}_aside_{datetime.now().strftime(STAMP).replace('-', '_')}"
        say("exchanging the databases")
        exchange(server, name, scratch, aside)
        if discard:
            server.sql(f'DROP DATABASE "{aside}"')
        else:
            outcome.aside = f"database {aside}"
            outcome.notes.append(f"remove the replaced one with: runuser -u postgres -- dropdb {aside}")
        outcome.missing += [
            f"{unit} was not restarted, and may show what was replaced: see journalctl -u {unit}, then type "
            "malleposte backup restore refresh"
            for unit in server.settle(name)
        ]
    outcome.seconds = time.monotonic() - begun
    return outcome


def exchange(server: Postgres, live: str, fresh: str, aside: str) -> None:
    """`live` becomes `aside`, `fresh` becomes `live`, in one transaction, with nobody connected."""
    server.sql(f'ALTER DATABASE "{live}" WITH ALLOW_CONNECTIONS false')
    try:
        server.sql(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            f"WHERE datname IN ('{live}', '{fresh}') AND pid <> pg_backend_pid()"
        )
        server.sql(
            f'BEGIN; ALTER DATABASE "{live}" RENAME TO "{aside}"; ALTER DATABASE "{fresh}" RENAME TO "{live}"; COMMIT'
        )
    except BaseException:
        server.sql(f'ALTER DATABASE "{live}" WITH ALLOW_CONNECTIONS true')
        raise


def _rows(server: Postgres, database: str) -> int:
    server.sql("ANALYZE", database)
    text = server.sql(
        "SELECT coalesce(sum(greatest(reltuples, 0)), 0)::bigint FROM pg_class JOIN pg_namespace n "
        "ON n.oid = relnamespace WHERE relkind = 'r' AND nspname NOT IN ('pg_catalog', 'information_schema')",
        database,
    )
    return int(text.strip() or 0)


def settle(units: Iterable[str]) -> list[str]:
    """Restart units of this host that cache the old content of a database, where they run; those that would not."""
    failed = []
    for unit in units:
        done = subprocess.run(["systemctl", "try-restart", unit], capture_output=True, check=False)
        if done.returncode not in (0, NO_UNIT):
            failed.append(unit)
    return failed
