# SPDX-License-Identifier: GPL-3.0-or-later
"""The backups of one host, from the service manifest: series of archives and the repositories they lie in.

A source is ``{name, repository}`` with ``paths`` and ``exclude`` (borg's patterns), or with ``command`` and ``file``:
the output of a program, streamed into an archive of one file. Its series of archives bears its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .mailstore import BUCKETS
from .manifest import ManifestError, backup

COMMON = "system"
"""The repository of all that is no mailbox."""
DUMPS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "ldap": (
        {"name": "ldap", "file": "ldap.ldif", "command": ["slapcat", "-o", "ldif-wrap=no", "-n", "1"]},
        {"name": "ldap-config", "file": "ldap-config.ldif", "command": ["slapcat", "-o", "ldif-wrap=no", "-n", "0"]},
    ),
    # One source a database, found by the client when it runs: a database made since the last deploy is not missed.
    "postgresql": (),
}


def shares(number: int) -> list[tuple[str, list[str]]]:
    """The mail store's buckets in ``number`` shares: ``(name, buckets)``. A name tells its buckets."""
    if not 1 <= number <= len(BUCKETS):
        raise ManifestError(f"backups: {number} shares of the mail store; it takes 1 to {len(BUCKETS)}")
    found = []
    for share in range(number):
        buckets = [one for index, one in enumerate(BUCKETS) if index * number // len(BUCKETS) == share]
        found.append((f"mail-{buckets[0]}-{buckets[-1]}", buckets))
    return found


def sources(
    paths: Sequence[str],
    dumps: Iterable[str],
    mail_root: str,
    mail_shards: int,
    exclude: Sequence[str] = (),
    mail_exclude: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """The sources of a host that keeps ``paths`` and ``dumps``, and ``/etc`` in any case.

    The mail store is taken by share where it is among ``paths``; what its root holds beside the buckets goes with the
    other files.
    """
    found: list[dict[str, Any]] = []
    for name in dumps:
        if name not in DUMPS:
            raise ManifestError(f"backups: unknown dump {name}; known: {', '.join(sorted(DUMPS))}")
        found += [{**dump, "repository": COMMON} for dump in DUMPS[name]]
    has_mail = mail_root in paths
    buckets = [f"re:^{re.escape(mail_root.strip('/'))}/[0-9a-f][0-9a-f](/|$)"] if has_mail else []
    files = {"paths": sorted({"/etc", *paths}), "exclude": [*exclude, *buckets]}
    found.append({"name": COMMON, "repository": COMMON, **files})
    for name, share in shares(mail_shards) if has_mail else []:
        folders = [f"{mail_root}/{bucket}" for bucket in share]
        found.append({"name": name, "repository": name, "paths": folders, "exclude": list(mail_exclude)})
    return found


def repositories(
    groups: Iterable[str], services: Mapping[str, Mapping[str, Any]], mail_root: str, mail_shards: int
) -> list[str]:
    """The names of the repositories of a host of ``groups``."""
    kept = backup(services, groups)
    every = sources(kept["paths"], kept["dumps"], mail_root, mail_shards)
    return list(dict.fromkeys(one["repository"] for one in every))
