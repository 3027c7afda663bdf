"""PostgreSQL of this host, by its own programs. Root is let in as the administrator (pg_ident.conf)."""

from __future__ import annotations

import functools
import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from malleposte.core.errors import MallepostError

ADMINISTRATOR = "postgres"
PROGRAMS = Path("/usr/lib/postgresql")
OPTIONS = ("-XqAt", "-v", "ON_ERROR_STOP=1", "-f", "-")


def quoted(text: str) -> str:
    """Return a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def quoted_json(value: Any) -> str:
    """Return a literal of SQL that holds a value as JSON."""
    return quoted(json.dumps(value))


def rows(printed: str) -> Iterator[dict[str, Any]]:
    """Yield the objects that a statement printed, a line each.

    Lines end by "\\n": JSON leaves Unicode's other ends of lines alone.
    """
    return (json.loads(line) for line in printed.split("\n") if line)


@functools.cache
def psql() -> str:
    """The newest psql of this host. Debian's /usr/bin/psql, in Perl, takes four times its processor time."""
    programs = [path for path in PROGRAMS.glob("*/bin/psql") if path.parts[-3].isdigit()]
    return str(max(programs, key=lambda path: int(path.parts[-3]), default="psql"))


def sql(database: str, text: str, *, user: str = ADMINISTRATOR, timeout: float | None = None) -> str:
    """Run SQL and stop at the first error; what it prints, unaligned. Raises MallepostError.

    It goes in by standard input, where no other process sees it. `timeout` is in seconds.
    """
    return program([psql(), *OPTIONS, "-d", database], text.encode(), user=user, timeout=timeout)


def program(
    words: Sequence[str], data: bytes | BinaryIO, *, user: str = ADMINISTRATOR, timeout: float | None = None
) -> str:
    """Run one of its programs, which says `-d DATABASE` at the end. Raises MallepostError with what it said."""
    argv = [*words, *(["-U", user] if user else [])]
    where = f"database {words[-1]}"
    content = data if isinstance(data, bytes) else None
    stream = None if isinstance(data, bytes) else data
    try:
        done = subprocess.run(argv, input=content, stdin=stream, capture_output=True, check=False, timeout=timeout)
    except FileNotFoundError as error:
        raise MallepostError(f"{where}: {words[0]} is not on this host") from error
    except subprocess.TimeoutExpired as error:
        raise MallepostError(f"{where}: no answer in {timeout:.0f} s") from error
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"status {done.returncode}"]
        said = next((line for line in lines if "ERROR" in line), lines[-1])
        raise MallepostError(f"{where}: {said}", "look at 'systemctl status postgresql@*'")
    return done.stdout.decode("utf-8")
