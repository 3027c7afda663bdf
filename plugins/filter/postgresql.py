# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the postgresql role; the logic is in module_utils/postgres.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.academie.malleposte.plugins.module_utils import postgres
from ansible_collections.academie.malleposte.plugins.plugin_utils.filter_errors import with_filter_errors


class FilterModule:
    def filters(self) -> Mapping[str, Callable[..., Any]]:
        return {
            "postgresql_hba": with_filter_errors(postgres.hba, postgres.DatabaseError),
            "postgresql_ident": with_filter_errors(postgres.ident, postgres.DatabaseError),
        }
