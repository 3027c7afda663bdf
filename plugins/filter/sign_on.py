# SPDX-License-Identifier: GPL-3.0-or-later
"""The academy's own provider, for the wiring; the logic is in module_utils/sign_on.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.academie.malleposte.plugins.module_utils import sign_on
from ansible_collections.academie.malleposte.plugins.plugin_utils.filter_errors import with_filter_errors


class FilterModule:
    """The filters, by name."""

    def filters(self) -> Mapping[str, Callable[..., Any]]:
        """Names of the filters."""
        functions = {
            "sign_on_said": sign_on.said,
            "sign_on_provider": sign_on.described,
            "sign_on_keys": sign_on.keys,
            "sign_on_clients": sign_on.clients,
        }
        return {name: with_filter_errors(one, sign_on.SignOnError, KeyError) for name, one in functions.items()}
