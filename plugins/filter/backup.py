# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for the backups; the logic is in module_utils/backup_plan.py."""

from __future__ import annotations

from ansible_collections.academie.malleposte.plugins.module_utils import backup_files, backup_plan, manifest
from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters

FilterModule = filters(
    errors=(manifest.ManifestError,),
    backup_sources=backup_plan.sources,
    backup_repositories=backup_plan.repositories,
    backup_known_hosts=backup_files.known_hosts,
    backup_rows=backup_files.rows,
    backup_pick=backup_files.pick,
    backup_targets=backup_files.targets,
    backup_engines=backup_files.engines,
    backup_client_files=backup_files.client_files,
    backup_vault_files=backup_files.vault_files,
)
