# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts that earlier changes of secrets left: selectors, names of keys, secrets still accepted."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rotation
author: Malleposte (@malleposte)
short_description: Facts that earlier changes of the inventory's secrets left
description:
  - Reads C(<inventory>/secrets/rotation.json), which C(malleposte secrets rotate) writes. Without it nothing was ever
    changed.
options:
  _terms:
    description:
      - V(digest_keys) is a list of names, the current one last. V(dkim) has C(signing) and C(published). V(earlier) has
        the old secrets that are still accepted, by name. V(since) is the day of a secret's last change; empty where
        there is none.
    required: true
  selector:
    description: For V(dkim), the selector of the inventory.
    type: str
    default: ""
  prefix:
    description: For V(earlier), which secrets; left out of the names.
    type: str
    default: ""
  part:
    description: For V(earlier), V(public) gives the public keys of key pairs.
    type: str
    default: private
    choices: [private, public]
  secret:
    description: For V(since), the name of the secret.
    type: str
    default: ""
"""

EXAMPLES = r"""
- ansible.builtin.debug:
    msg: "{{ lookup('academie.malleposte.rotation', 'dkim', selector='mp1').signing }}"
"""

RETURN = r"""
_raw:
  description: One value for each term.
  type: list
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.academie.malleposte.plugins.module_utils import rotation
from ansible_collections.academie.malleposte.plugins.module_utils.secret_store import SecretError, SecretStore


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        self.set_options(var_options=variables, direct=kwargs)
        folder = Path(str((variables or {}).get("inventory_dir"))) / "secrets"
        try:
            state = rotation.read(folder)
            views = {
                "digest_keys": lambda: rotation.digest_keys(state),
                "dkim": lambda: rotation.dkim(state, str(self.get_option("selector"))),
                "earlier": lambda: self._earlier(state, folder),
                "since": lambda: str(rotation.since(state, folder, str(self.get_option("secret"))) or ""),
            }
            unknown = [term for term in terms if term not in views]
            if unknown:
                raise AnsibleError(f"rotation: {unknown[0]!r} is unknown; known: {', '.join(views)}")
            return [views[term]() for term in terms]
        except (rotation.RotationError, SecretError) as error:
            raise AnsibleError(str(error)) from error

    def _earlier(self, state: dict[str, Any], folder: Path) -> dict[str, str]:
        prefix = str(self.get_option("prefix"))
        if self.get_option("part") != "public":
            return rotation.earlier(state, folder, prefix)
        store = SecretStore(folder)
        return {name: store.public_key(old) for name, old in rotation.earlier_files(state, prefix).items()}
