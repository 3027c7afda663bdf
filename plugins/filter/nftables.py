# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the firewall; the logic is in module_utils/nftrules.py."""

from __future__ import annotations

from ansible_collections.academie.malleposte.plugins.module_utils import nftrules
from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters

FilterModule = filters(
    errors=(nftrules.RuleError,),
    nft_rules=nftrules.rule_lines,
    nft_sets=nftrules.set_lines,
    nft_admits=nftrules.admits,
)
