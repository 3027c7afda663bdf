#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep a few databases of PostgreSQL and the roles that own them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_databases
short_description: Keep a few databases and the roles that own them
description:
  - Makes the roles and databases that are missing and corrects those that exist; nothing is ever dropped.
  - Speaks to PostgreSQL as its administrator over the Unix socket, with psql alone. A password is turned into its SCRAM
    verifier first, so that neither a command line nor the server's log ever holds it.
author: Malleposte (@malleposte)
options:
  databases:
    description: Each has V(name), V(owner) (the name unless given), and may have V(password).
    type: list
    elements: dict
    required: true
  locale:
    description: ICU locale that sorts a new database's texts; the bytes decide when empty.
    type: str
    default: ""
  monitors:
    description: System users who read what the server counts of itself.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Reports what would change.
    support: full
"""

EXAMPLES = r"""
- name: Keep the databases
  academie.malleposte.postgresql_databases:
    databases:
      - {name: roundcube, owner: roundcube}
    locale: fr-FR
"""

RETURN = r"""
done:
  description: The changes made, or to be made in check mode, in words.
  returned: always
  type: list
  elements: str
"""

import json
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.academie.malleposte.plugins.module_utils import postgres

PSQL = ["runuser", "-u", postgres.ADMIN, "--", "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", "postgres"]
QUIET = "SET log_min_error_statement TO panic; SET log_statement TO none;\n"


def psql(module: AnsibleModule, sql: str) -> str:
    """Return psql's answer to SQL given on standard input, where no other process sees it."""
    code, out, err = module.run_command(PSQL, data=sql, cwd="/", environ_update={"LC_ALL": "C.UTF-8"})
    if code:
        module.fail_json(msg=f"postgresql_databases: psql: {err.strip() or code}")
    return str(out)


def run(module: AnsibleModule) -> list[str]:
    if module.check_mode and not module.get_bin_path("psql"):
        # On a fresh host PostgreSQL itself is still to come.
        return [f"database {entry['name']} made" for entry in postgres.checked(module.params["databases"])]
    state: dict[str, Any] = json.loads(psql(module, postgres.STATE))
    work = postgres.statements(module.params["databases"], state, module.params["locale"], module.params["monitors"])
    if work and not module.check_mode:
        psql(module, QUIET + "\n".join(sql for _words, sql in work))
    return [words for words, _sql in work]


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "databases": {"type": "list", "elements": "dict", "required": True, "no_log": True},
            "locale": {"type": "str", "default": ""},
            "monitors": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    try:
        done = run(module)
    except postgres.DatabaseError as error:
        module.fail_json(msg=f"postgresql_databases: {error}")
    module.exit_json(changed=bool(done), done=done)


if __name__ == "__main__":
    main()
