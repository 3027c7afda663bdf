# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the postgresql role; the logic is in module_utils/postgres.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.module_utils import postgres


def _speaking(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any) -> Any:
        try:
            return function(*args)
        except postgres.DatabaseError as error:
            raise AnsibleFilterError(f"postgresql_databases: {error}") from error

    return call


class FilterModule:
    def filters(self) -> Mapping[str, Callable[..., Any]]:
        return {"postgresql_hba": _speaking(postgres.hba), "postgresql_ident": _speaking(postgres.ident)}
