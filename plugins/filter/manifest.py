# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters over the service manifest; the logic is in module_utils/manifest.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.academie.malleposte.plugins.module_utils import manifest
from ansible_collections.academie.malleposte.plugins.plugin_utils.speaking import speaking


class FilterModule:
    def filters(self) -> Mapping[str, Callable[..., Any]]:
        functions: Sequence[tuple[str, Callable[..., Any]]] = (
            ("manifest_firewall", manifest.firewall_rules),
            ("manifest_units", manifest.units),
            ("manifest_backup", manifest.backup),
            ("manifest_srv", manifest.srv_records),
            ("manifest_sites", manifest.sites),
            ("manifest_labels", manifest.label_places),
            ("manifest_tiles", manifest.tiles),
            ("public_addresses", manifest.public_addresses),
        )
        return {name: speaking(function, manifest.ManifestError) for name, function in functions}
