# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the firewall; the logic is in module_utils/nftrules.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.academie.malleposte.plugins.module_utils import nftrules
from ansible_collections.academie.malleposte.plugins.plugin_utils.filter_errors import with_filter_errors


class FilterModule:
    def filters(self) -> Mapping[str, Callable[..., Any]]:
        return {
            "nft_rules": with_filter_errors(nftrules.rule_lines, nftrules.RuleError),
            "nft_sets": with_filter_errors(nftrules.set_lines, nftrules.RuleError),
            "nft_admits": with_filter_errors(nftrules.admits, nftrules.RuleError),
        }
