# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the authorities kept on the controller; the logic is in module_utils/tls_authority.py."""

from __future__ import annotations

from ansible_collections.academie.malleposte.plugins.module_utils import tls_authority
from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters

FilterModule = filters(
    errors=(tls_authority.AuthorityError,),
    tls_ca_certificate=tls_authority.ca_certificate,
    tls_sign=tls_authority.sign,
)
