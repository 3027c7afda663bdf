# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of one inventory: made once on the controller, kept in files that only root reads."""

from __future__ import annotations

DOCUMENTATION = r"""
name: secret
author: Malleposte (@malleposte)
short_description: A secret of the inventory, made at its first use
description:
  - Returns the content of C(<inventory>/secrets/<name>), mode 0600, and makes it first when it is missing.
  - A secret is never made twice; removing the file is how an operator asks for a new one.
options:
  _terms:
    description: Names of the secrets.
    required: true
  kind:
    description: The kind to make when it is missing; V(ssh) is an Ed25519 key pair of OpenSSH's form.
    type: str
    default: password
    choices: [password, rsa2048, rsa3072, ec256, ssh]
  part:
    description: V(private) is the secret itself; V(public) is the public key of a key pair.
    type: str
    default: private
    choices: [private, public]
"""

EXAMPLES = r"""
- ansible.builtin.debug:
    msg: "{{ lookup('academie.malleposte.secret', 'ldap-dovecot') }}"
"""

RETURN = r"""
_raw:
  description: The secrets, in the order of the names.
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.academie.malleposte.plugins.module_utils.secret_store import SecretError, SecretStore


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        folder = (variables or {}).get("inventory_dir")
        if not folder:
            raise AnsibleError("secret: this inventory is not a directory, so there is no place to keep secrets")
        store = SecretStore(Path(str(folder)) / "secrets")
        try:
            secrets = [store.get(str(name), self.get_option("kind")) for name in terms]
            if self.get_option("part") == "public":
                return [store.public_key(str(name)) for name in terms]
            return secrets
        except SecretError as error:
            raise AnsibleError(str(error)) from error
