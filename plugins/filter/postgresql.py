# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the postgresql role; the logic is in module_utils/postgres.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.academie.malleposte.plugins.module_utils import postgres
from ansible_collections.academie.malleposte.plugins.plugin_utils.speaking import speaking


class FilterModule:
    def filters(self) -> Mapping[str, Callable[..., Any]]:
        return {
            "postgresql_hba": speaking(postgres.hba, postgres.DatabaseError),
            "postgresql_ident": speaking(postgres.ident, postgres.DatabaseError),
        }
