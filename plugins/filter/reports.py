# SPDX-License-Identifier: GPL-3.0-or-later
"""For the role reports: the addresses at which reports are read, and the hosts whose mail is ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters


def reports_addresses(asked: Iterable[str], domain: str, others: Iterable[str], aliases: Iterable[str]) -> list[str]:
    """The addresses that others send reports to (``asked``) and that the platform reads: those of its own domain.

    One that a person reads stays that person's: ``others``, and ``aliases`` of the domain (local parts).
    """
    taken = {_plain(one) for one in others} | {f"{one}@{domain}".lower() for one in aliases}
    own = [one for one in dict.fromkeys(asked) if one.rpartition("@")[2].lower() == domain.lower()]
    return [one for one in own if _plain(one) not in taken]


def _plain(address: str) -> str:
    """An address without its extension."""
    local, _at, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def reports_hosts(addresses: Mapping[str, str | Iterable[str]]) -> dict[str, list[str]]:
    """Addresses of hosts, a list for each by its short name."""
    return {
        name.partition(".")[0]: [given] if isinstance(given, str) else list(given)
        for name, given in sorted(addresses.items())
    }


FilterModule = filters(reports_addresses, reports_hosts)
