# SPDX-License-Identifier: GPL-3.0-or-later
"""For the role hostd: how its databases are reached, and what the other hosts hold of accounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters

HOLDS: Mapping[str, Sequence[str]] = {
    "mail": ("store", "queue", "dovecot"),
    "web": ("sogo", "roundcube", "radicale"),
    "portal": ("sso",),
}
"""The things that the hosts of a group hold."""


def conninfo(database: Any, passfile: str, ca: str) -> str:
    """libpq's words for a database on another host: TLS, its name proved, the password from a file."""
    try:
        host, name, user = (str(database[key]) for key in ("host", "database", "user"))
        port = int(database.get("port", 5432))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise AnsibleFilterError(f"hostd_databases: give host, database, user and password ({error})") from error
    words = {"host": host, "port": port, "dbname": name, "user": user, "sslmode": "verify-full", "sslrootcert": ca,
             "passfile": passfile}  # fmt: skip
    return " ".join(f"{key}={value}" for key, value in words.items())


def hostd_hosts(
    hosts: Iterable[str], groups: Mapping[str, Sequence[str]], domain: str, port: int, log_in_page: bool
) -> list[dict[str, Any]]:
    """The other hosts as the directory's host reaches them: name, address, what each holds.

    Without a `log_in_page` of the platform's, the portal's own log-ins end in their store.
    """
    held = HOLDS if log_in_page else {**HOLDS, "portal": ("portal",)}
    return [
        {
            "name": str(host),
            "address": f"tls://{str(host).split('.')[0]}.{domain}:{port}",
            "holds": [kind for group, kinds in held.items() if host in groups.get(group, ()) for kind in kinds],
        }
        for host in hosts
    ]


FilterModule = filters(conninfo, hostd_hosts)
