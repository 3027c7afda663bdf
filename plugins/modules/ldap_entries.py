#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep a few entries of the directory: branches, machines' accounts, policies."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ldap_entries
short_description: Keep a few entries of the directory as described
description:
  - Adds the entries that are missing and gives the named attributes to those that exist. Attributes that are not named,
    and entries that are not listed, are left alone; nothing is ever removed.
  - Meant for branches, service accounts and password policies. People's accounts are none of its business.
  - Speaks to slapd as root over C(ldapi:///).
author: Malleposte (@malleposte)
options:
  base:
    description: Suffix under which all the entries are.
    type: str
    required: true
  entries:
    description: Entries in order, parents first; each has V(dn), V(attributes).
    type: list
    elements: dict
    required: true
  passwords:
    description:
      - Passwords in clear by the dn of the account. Stored as {SSHA512}; an account whose stored digest is of this very
        password is not touched.
    type: dict
    default: {}
  earlier:
    description:
      - Earlier passwords in clear by the dn, which stay accepted beside O(passwords) while readers are given the new
        one. An account that is not named here has its one password alone.
    type: dict
    default: {}
  uri:
    description: URI at which slapd answers root.
    type: str
    default: ldapi:///
attributes:
  check_mode:
    description: Reports what would change.
    support: full
  diff_mode:
    description: Shows the changes as LDIF, without passwords.
    support: full
"""

EXAMPLES = r"""
- name: Keep the branches
  academie.malleposte.ldap_entries:
    base: dc=ac-exemple,dc=test
    entries:
      - dn: ou=people,dc=ac-exemple,dc=test
        attributes: {objectClass: [organizationalUnit], ou: people}
"""

RETURN = r"""
changed_entries:
  description: Names of the entries that were added or changed.
  returned: always
  type: list
  elements: str
"""

import re
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.academie.malleposte.plugins.module_utils.slapd import entries as plans
from ansible_collections.academie.malleposte.plugins.module_utils.slapd import ldif

NO_SUCH_OBJECT = 32


def _filter(wanted: list[ldif.Entry]) -> str:
    """A filter for the entries by their names' first part, so that thousands of people are not read."""
    parts = []
    for entry in wanted:
        attribute, _equals, value = entry.dn.partition(",")[0].partition("=")
        escaped = re.sub(r"[\\*()\0]", lambda found: f"\\{ord(found.group()):02x}", value)
        parts.append(f"({attribute}={escaped})")
    return "(|" + "".join(sorted(set(parts))) + ")"


def _current(module: AnsibleModule, wanted: list[ldif.Entry]) -> dict[str, ldif.Entry]:
    names = sorted({name for entry in wanted for name in entry.attributes} | {"userPassword", "objectClass"})
    argv = [*ldif.SEARCH, "-Q", "-Y", "EXTERNAL", "-H", module.params["uri"]]
    argv += ["-b", module.params["base"], _filter(wanted), *names]
    code, out, err = module.run_command(argv, encoding=None)
    if code not in (0, NO_SUCH_OBJECT):
        module.fail_json(msg=f"the directory cannot be read: {err.decode(errors='replace').strip()}")
    return {entry.dn.lower(): entry for entry in ldif.parse(out)}


def _public(change: str) -> str:
    return re.sub(r"(?m)^userPassword:.*$", "userPassword: (not shown)", change)


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "base": {"type": "str", "required": True},
            "entries": {"type": "list", "elements": "dict", "required": True},
            "passwords": {"type": "dict", "default": {}, "no_log": True},
            "earlier": {"type": "dict", "default": {}, "no_log": True},
            "uri": {"type": "str", "default": "ldapi:///"},
        },
        supports_check_mode=True,
    )
    wanted = [ldif.from_mapping(item["dn"], item["attributes"]) for item in module.params["entries"]]
    passwords, earlier = (
        {str(dn).lower(): str(value) for dn, value in module.params[name].items()} for name in ("passwords", "earlier")
    )
    changes = plans.plan(_current(module, wanted), wanted, passwords, earlier)
    result: dict[str, Any] = {"changed": bool(changes), "changed_entries": [dn for dn, _change in changes]}
    if module._diff:
        result["diff"] = {"before": "", "after": "\n".join(_public(change) for _dn, change in changes)}
    if changes and not module.check_mode:
        argv = ["ldapmodify", "-Q", "-Y", "EXTERNAL", "-H", module.params["uri"]]
        code, _out, err = module.run_command(argv, data="\n".join(change for _dn, change in changes))
        if code != 0:
            module.fail_json(msg=f"slapd refuses a change: {err.strip()}", changed_entries=result["changed_entries"])
    module.exit_json(**result)


if __name__ == "__main__":
    main()
