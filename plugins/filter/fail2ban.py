# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the fail2ban role: from named jails to the sections of a jail file."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters

_NAME = re.compile(r"[a-z][a-z0-9-]{0,24}")


def fail2ban_jails(names: Iterable[str], known: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The descriptions of the jails ``names``, in that order.

    A description holds ``name, filter, ports, failures`` and maybe ``match`` (journal fields).

    :raises AnsibleFilterError: an unknown name (with the known ones), or a description that is not usable.
    """
    table = {str(jail["name"]): dict(jail) for jail in known}
    for name, jail in table.items():
        if not _NAME.fullmatch(name):
            raise AnsibleFilterError(f"fail2ban: not a jail name: {name!r}")
        if int(jail["failures"]) < 1 or not jail["ports"]:
            raise AnsibleFilterError(f"fail2ban: the jail {name} needs ports and at least one failure")
    chosen = list(dict.fromkeys(names))
    unknown = [name for name in chosen if name not in table]
    if unknown:
        raise AnsibleFilterError(f"fail2ban_jails: unknown: {', '.join(unknown)}; known: {', '.join(sorted(table))}")
    return [table[name] for name in chosen]


def fail2ban_networks(networks: Iterable[str]) -> str:
    """The value of ``ignoreip``: networks, checked, blank separated.

    :raises AnsibleFilterError: something that is not a network, or one that holds every address.
    """
    result: list[str] = []
    for text in networks:
        try:
            network = ipaddress.ip_network(str(text), strict=False)
        except ValueError as error:
            raise AnsibleFilterError(f"fail2ban_ignore_networks: {error}") from error
        if network.prefixlen == 0:
            raise AnsibleFilterError(f"fail2ban_ignore_networks: {text} would ban nobody")
        result.append(str(network))
    return " ".join(dict.fromkeys(result))


FilterModule = filters(fail2ban_jails, fail2ban_networks)
