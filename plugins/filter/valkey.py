# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that shape Valkey's file of users."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters


def _user(name: str, password: str, keys: Sequence[str], commands: Sequence[str]) -> str:
    """One line of an ACL file; the password as its SHA-256, as Valkey keeps it."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
        raise AnsibleFilterError(f"valkey_users: not a user name: {name!r}")
    if len(password) < 16:
        raise AnsibleFilterError(f"valkey: the password of {name} has less than 16 characters")
    digest = hashlib.sha256(password.encode()).hexdigest()
    return " ".join([f"user {name} on #{digest}", *(f"~{key}" for key in keys), "&*", *commands])


def valkey_acl(
    password: str, users: Mapping[str, Mapping[str, Any]], refused: Sequence[str], granted: Sequence[str]
) -> str:
    """The text of users.acl: the default user, then the others by name.

    Raises when a password is short (a line of an empty password would let everybody in) or a name cannot stand.
    """
    common = ["+@all", *(f"-{command}" for command in refused), *(f"+{command}" for command in granted)]
    rules = [_user("default", password, ["*"], common)]
    for name, user in sorted(users.items()):
        rules.append(_user(name, user.get("password", ""), user.get("keys", ["*"]), user.get("commands", common)))
    return "\n".join(rules) + "\n"


def valkey_instance_acl(users: Mapping[str, Mapping[str, Any]], refused: Sequence[str], granted: Sequence[str]) -> str:
    """The text of the users of a further instance: nobody is there without a name. Raises as `valkey_acl` does."""
    if not users:
        raise AnsibleFilterError("valkey_instances: an instance without users: nobody could enter")
    common = ["+@all", *(f"-{command}" for command in refused), *(f"+{command}" for command in granted)]
    # Nobody is the default user, but the append-only file is replayed as it: a script wrote transactions into it.
    rules = ["user default off ~* &* +@all"]
    for name, user in sorted(users.items()):
        rules.append(_user(name, user.get("password", ""), user.get("keys", ["*"]), user.get("commands", common)))
    return "\n".join(rules) + "\n"


FilterModule = filters(valkey_acl, valkey_instance_acl)
