"""Common parts of the jobs of SOGo's user: the ways to the directory, to SOGo's database and to its memcached."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from malleposte.adapters import ldapsearch, postgresql
from malleposte.adapters.sogo import Forget, Sql, memcached
from malleposte.core.loops import named
from malleposte.directory.query import All, AnyOf, Equal, Query, Search, Values
from malleposte.platform.identity import is_uid

USAGE = "BASE BIND_DN URI DATABASE MEMCACHED PROFILE[,PROFILE...]"
SECONDS = 120


@dataclass(frozen=True)
class Ways:
    """The ways of a job, and the classes whose agents have SOGo; every class where none is said."""

    base: str
    search: Search
    sql: Sql
    forget: Forget
    profiles: tuple[str, ...]


def ways(words: Sequence[str]) -> Ways | None:
    """The ways that the words of USAGE say, None of other words. The directory's password comes from systemd."""
    if len(words) != len(USAGE.split()):
        return None
    base, bind_dn, uris, database, socket, profiles = words
    password = Path(os.environ["CREDENTIALS_DIRECTORY"], "ldap-password")
    return Ways(
        base,
        ldapsearch.searcher(base, bind_dn, uris, password),
        partial(postgresql.sql, database, user="", timeout=SECONDS),
        partial(memcached.delete, Path(socket)),
        tuple(one for one in profiles.split(",") if one),
    )


def run(
    program: str, words: Sequence[str], work: Callable[[Ways], Iterable[tuple[str, str]]], stay: str, *,
    changed: str = "", more: str = "",
) -> int:  # fmt: skip
    """Do a job that begins with the words of USAGE, and `more`; the exit code.

    `work` gives each thing that changed, and what went wrong with it, if anything did. `changed` is said of a thing
    that changed, `stay` of all of them where the directory or SOGo does not answer.
    """
    given = len(words) - len(more.split())
    found = ways(words[:given]) if given > 0 else None
    if found is None:
        print(f"usage: {program} {' '.join((USAGE, more)).strip()}", file=sys.stderr)
        return 2
    failed, ended = 0, list[str]()
    with named(ended.append):
        for thing, fault in work(found):
            if fault or changed:
                print(f"<4>{thing}: {fault}" if fault else f"{thing}: {changed}", file=sys.stderr)
            failed |= bool(fault)
    for reason in ended:
        print(f"<3>{stay}: {reason}", file=sys.stderr)
    return 1 if ended else failed


def agents(search: Search, profiles: Sequence[str], *attributes: str, who: Query | None = None) -> dict[str, Values]:
    """Those who have SOGo, all or some of them (`who`), by uid, with these attributes. Raises MallepostError."""
    classes = (AnyOf(tuple(Equal("mpProfile", one) for one in profiles)),) if profiles else ()
    found = search(All((Equal("objectClass", "mpAgent"), *classes, *((who,) if who else ()))), ("uid", *attributes))
    return {one["uid"][0]: one for one in found if "uid" in one and is_uid(one["uid"][0])}
