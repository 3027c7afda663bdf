# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the authorities kept on the controller; the logic is in module_utils/tls_authority.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.academie.malleposte.plugins.module_utils import tls_authority
from ansible_collections.academie.malleposte.plugins.plugin_utils.filter_errors import with_filter_errors


class FilterModule:
    def filters(self) -> Mapping[str, Callable[..., Any]]:
        errors = tls_authority.AuthorityError
        return {
            "tls_ca_certificate": with_filter_errors(tls_authority.ca_certificate, errors),
            "tls_client_certificate": with_filter_errors(tls_authority.client_certificate, errors),
            "tls_sign": with_filter_errors(tls_authority.sign, errors),
        }
