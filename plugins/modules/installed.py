#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell which packages of Debian a host has."""

from __future__ import annotations

DOCUMENTATION = r"""
module: installed
short_description: Tell which packages of Debian a host has
description:
  - Asks dpkg, and keeps the names as one text. Ansible copies every fact anew for every task, and the dictionaries of
    M(ansible.builtin.package_facts) cost more than most tasks do.
author: Malleposte (@malleposte)
options: {}
attributes:
  check_mode:
    description: Changes nothing.
    support: full
"""

EXAMPLES = r"""
- name: Know what is installed
  academie.malleposte.installed:
"""

RETURN = r"""
ansible_facts:
  description: C(installed), the names with a space between them.
  type: dict
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule

QUERY = ["/usr/bin/dpkg-query", "--show", "--showformat=${db:Status-Status} ${Package}\n"]


def main() -> None:
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    _code, told, _errors = module.run_command(QUERY, check_rc=True)
    states = (line.split() for line in told.splitlines())
    names = sorted({name for state, name in states if state == "installed"})
    module.exit_json(changed=False, ansible_facts={"installed": " ".join(names)})


if __name__ == "__main__":
    main()
