"""Bring the published calendars into SOGo, as its user (role sogo).

Usage: sogo-calendars BASE BIND_DN URI DATABASE MEMCACHED PROFILE[,PROFILE...]

The calendars are for those of their agents who have SOGo: whose class is one of these, or every agent where none is
said. The password for the directory comes from systemd.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from malleposte.accounts.channels.sogo import delete
from malleposte.adapters import ldapsearch, postgresql
from malleposte.calendars import job
from malleposte.calendars.model import Items, Shown
from malleposte.calendars.sogo import Engine
from malleposte.directory.query import All, AnyOf, Equal
from malleposte.platform.identity import is_uid

SECONDS = 120


def agents(base: str, bind_dn: str, uris: str, profiles: Sequence[str]) -> frozenset[str]:
    """The uids of those who have SOGo. Raises MallepostError."""
    password = Path(os.environ["CREDENTIALS_DIRECTORY"], "ldap-password")
    classes = (AnyOf(tuple(Equal("mpProfile", one) for one in profiles)),) if profiles else ()
    asked = All((Equal("objectClass", "mpAgent"), *classes)).render()
    found = ldapsearch.search(base, bind_dn, uris, password, asked, "uid")
    uids = {value.decode("utf-8", "replace") for one in found for value in one.attributes.get("uid", [])[:1]}
    return frozenset(uid for uid in uids if is_uid(uid))


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != 6:
        print("usage: sogo-calendars BASE BIND_DN URI DATABASE MEMCACHED PROFILE[,PROFILE...]", file=sys.stderr)
        return 2
    database, memcached, profiles = words[3], Path(words[4]), [one for one in words[5].split(",") if one]

    def sql(text: str) -> str:
        return postgresql.sql(database, text, user="", timeout=SECONDS)

    def forget(keys: Iterable[str]) -> None:
        delete(memcached, keys)

    def engine(shown: Sequence[Shown], items: Items) -> int:
        everybody = agents(words[0], words[1], words[2], profiles)
        return Engine(sql, forget).place(shown, items, everybody, time.time())

    return job.run("SOGo", engine)
