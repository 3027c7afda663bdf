"""The directory by OpenLDAP's `ldapsearch` (ldapsearch(1)), for the small programs that run every minute or so.

A restart of slapd takes seconds, and such a program may begin in the middle of it: it waits for the directory before it
calls that a failure.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from malleposte.adapters import ldif
from malleposte.core.errors import MallepostError
from malleposte.directory.query import Query, Search

PATIENCE = 30.0
"""Seconds during which a directory that does not answer is asked again."""
PAUSE = 2.0
"""Seconds between two attempts."""
TIMEOUT = 25.0
"""Seconds of one attempt."""
AWAY = frozenset({255, 51, 52})
"""Exit codes of a directory that is not there at the moment: no connection (-1), busy, unavailable (RFC 4511, A.1)."""


def search(
    base: str, bind_dn: str, uris: str, password_file: Path, condition: str, *attributes: str
) -> list[ldif.Entry]:
    """The entries under `base` that meet an LDAP filter, with the attributes named; all of them where none is.

    `uris` is one URI or several with commas between. Raises MallepostError with what ldapsearch said.
    """
    argv = [*ldif.SEARCH, "-x", "-o", "nettimeout=10", "-H", uris, "-D", bind_dn]
    argv += ["-y", str(password_file), "-b", base, condition, *attributes]
    last = time.monotonic() + PATIENCE
    while True:
        try:
            done = subprocess.run(argv, capture_output=True, check=False, timeout=TIMEOUT)
        except subprocess.TimeoutExpired as error:
            raise MallepostError(f"directory {uris}: no answer in {TIMEOUT:.0f} s") from error
        if done.returncode == 0:
            return list(ldif.parse(done.stdout))
        if done.returncode not in AWAY or time.monotonic() >= last:
            said = done.stderr.decode("utf-8", "replace").strip()[-500:] or f"exit code {done.returncode}"
            raise MallepostError(f"directory {uris}: {said}")
        time.sleep(PAUSE)


def text(entries: Iterable[ldif.Entry]) -> list[dict[str, list[str]]]:
    """The attributes of entries as text; bytes that are not UTF-8 become U+FFFD."""
    return [
        {name: [value.decode("utf-8", "replace") for value in values] for name, values in entry.attributes.items()}
        for entry in entries
    ]


def searcher(base: str, bind_dn: str, uris: str, password_file: Path) -> Search:
    """`search` of one directory, for jobs that ask by queries."""

    def asked(query: Query, attributes: Sequence[str]) -> list[dict[str, list[str]]]:
        return text(search(base, bind_dn, uris, password_file, query.render(), *attributes))

    return asked
