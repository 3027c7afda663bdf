# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters over the service manifest; the logic is in module_utils/manifest.py."""

from __future__ import annotations

from ansible_collections.academie.malleposte.plugins.module_utils import manifest, service_needs
from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters

FilterModule = filters(
    errors=(manifest.ManifestError,),
    manifest_firewall=manifest.firewall_rules,
    manifest_units=manifest.units,
    manifest_watch=manifest.watch,
    manifest_backup=manifest.backup,
    manifest_restore=manifest.restore,
    manifest_tls_units=manifest.tls_units,
    manifest_tls_ports=manifest.tls_ports,
    manifest_srv=manifest.srv_records,
    manifest_sites=manifest.sites,
    manifest_names=manifest.names,
    manifest_tiles=manifest.tiles,
    manifest_states=manifest.states,
    manifest_memory=manifest.memory,
    manifest_upgrades=manifest.upgrades,
    manifest_packages=service_needs.packages,
    manifest_jails=manifest.jails,
    manifest_databases=manifest.databases,
    manifest_directory=service_needs.directory_accounts,
)
