# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the role openldap; the logic is in module_utils/slapd/access.py and module_utils/policy."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.academie.malleposte.plugins.module_utils.policy import model, project
from ansible_collections.academie.malleposte.plugins.module_utils.slapd import access, digest
from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters


def _text(attributes: Mapping[str, Sequence[bytes]]) -> dict[str, list[Any]]:
    """Attributes as a playbook carries them: text, or base64 for bytes that are not."""
    return {name: [_value(value) for value in values] for name, values in attributes.items()}


def _value(value: bytes) -> Any:
    try:
        return value.decode("ascii")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode("ascii")}


def openldap_entries(
    suffix: str, organisation: str, services: Mapping[str, Any], writer: str, policy: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Branches, policies and daemons' accounts, parents first."""
    rules = {
        "agents": project.ppolicy_attributes(model.Policy.from_mapping(policy)),
        "services": project.service_attributes(),
    }
    policies = [
        {
            "dn": f"cn={name},ou=policies,{suffix}",
            "attributes": {
                "objectClass": ["namedPolicy", "pwdPolicy", "pwdPolicyChecker"],
                "cn": name,
                **_text(attributes),
            },
        }
        for name, attributes in rules.items()
    ]
    return access.tree(suffix, organisation) + policies + access.accounts([writer, *services], suffix)


def openldap_passwords(passwords: Mapping[str, str], suffix: str) -> dict[str, str]:
    """Passwords by the dn of their account."""
    return {access.service_dn(name, suffix): password for name, password in passwords.items()}


FilterModule = filters(
    openldap_entries,
    openldap_passwords,
    errors=(access.AccessError, digest.WeakDigest, model.PolicyError),
    openldap_suffix=access.suffix_of,
    openldap_access=access.access_rules,
    openldap_argon2=digest.argon2_options,
    openldap_limits=access.limits,
)
