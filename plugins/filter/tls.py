# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the authorities kept on the controller; the logic is in module_utils/tls_authority.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.module_utils import tls_authority


def tls_ca_certificate(key: str, common_name: str) -> str:
    try:
        return tls_authority.ca_certificate(key, common_name)
    except tls_authority.AuthorityError as error:
        raise AnsibleFilterError(str(error)) from error


def tls_client_certificate(client_key: str, key: str, certificate: str, common_name: str) -> str:
    """The certificate of a client; always the same for one key."""
    try:
        return tls_authority.client_certificate(client_key, key, certificate, common_name)
    except tls_authority.AuthorityError as error:
        raise AnsibleFilterError(str(error)) from error


def tls_sign(request: str, key: str, certificate: str, days: int) -> str:
    """Signs a request; run only when a certificate is due, since each call gives another one."""
    try:
        return tls_authority.sign(request, key, certificate, days)
    except tls_authority.AuthorityError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    def filters(self) -> Mapping[str, Callable[..., Any]]:
        return {
            "tls_ca_certificate": tls_ca_certificate,
            "tls_client_certificate": tls_client_certificate,
            "tls_sign": tls_sign,
        }
