# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the postgresql role; the logic is in module_utils/postgres.py."""

from __future__ import annotations

from ansible_collections.academie.malleposte.plugins.module_utils import postgres
from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters

FilterModule = filters(errors=(postgres.DatabaseError,), postgresql_hba=postgres.hba, postgresql_ident=postgres.ident)
