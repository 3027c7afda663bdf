# SPDX-License-Identifier: GPL-3.0-or-later
"""The academy's own provider, for the wiring; the logic is in module_utils/sign_on.py."""

from __future__ import annotations

from ansible_collections.academie.malleposte.plugins.module_utils import sign_on
from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters

FilterModule = filters(
    errors=(sign_on.SignOnError, KeyError),
    sign_on_said=sign_on.said,
    sign_on_provider=sign_on.described,
    sign_on_keys=sign_on.keys,
    sign_on_clients=sign_on.clients,
)
