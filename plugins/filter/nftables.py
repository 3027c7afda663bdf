# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the firewall; the logic is in module_utils/nftrules.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.module_utils import nftrules


def nft_rules(
    rules: Iterable[Mapping[str, Any]], schools: Iterable[str] = (), uncounted: Iterable[str] = ()
) -> list[str]:
    try:
        return nftrules.rule_lines(rules, schools, uncounted)
    except nftrules.RuleError as error:
        raise AnsibleFilterError(str(error)) from error


def nft_sets(rules: Iterable[Mapping[str, Any]]) -> list[str]:
    try:
        return nftrules.set_lines(rules)
    except nftrules.RuleError as error:
        raise AnsibleFilterError(str(error)) from error


def nft_admits(sources: Iterable[str], address: str) -> bool:
    try:
        return nftrules.admits(sources, address)
    except nftrules.RuleError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    def filters(self) -> Mapping[str, Callable[..., Any]]:
        return {"nft_rules": nft_rules, "nft_sets": nft_sets, "nft_admits": nft_admits}
