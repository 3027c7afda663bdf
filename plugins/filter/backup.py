# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for the backups; the logic is in module_utils/backup_plan.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.academie.malleposte.plugins.module_utils import backup_files, backup_plan, manifest
from ansible_collections.academie.malleposte.plugins.plugin_utils.filter_errors import with_filter_errors


class FilterModule:
    def filters(self) -> Mapping[str, Callable[..., Any]]:
        return {
            "backup_sources": with_filter_errors(backup_plan.sources, manifest.ManifestError),
            "backup_repositories": with_filter_errors(backup_plan.repositories, manifest.ManifestError),
            "backup_known_hosts": backup_files.known_hosts,
            "backup_rows": backup_files.rows,
            "backup_pick": backup_files.pick,
            "backup_targets": backup_files.targets,
            "backup_engines": backup_files.engines,
            "backup_client_files": backup_files.client_files,
            "backup_vault_files": backup_files.vault_files,
        }
