#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declare an agent's account, for those who prefer it to feeds."""

from __future__ import annotations

DOCUMENTATION = r"""
module: account
short_description: Keep an agent's account as declared
description:
  - Makes, changes, suspends and resumes one account of the directory, on the host of the group C(directory). It runs
    C(malleposte accounts declare) there, so that names, addresses and journal are those of every other way.
  - Only what is named is looked at. What the feeds of the HR systems decide, the next feed decides again.
  - Nothing is said of passwords. A new account waits to be activated; C(malleposte accounts letters) and C(malleposte
    accounts reset) give its code.
author: Malleposte (@malleposte)
options:
  uid:
    description: The log-in, for life. Small letters, digits, dots, hyphens.
    type: str
    required: true
  state:
    description:
      - V(present) makes the account or brings it back from suspension. V(suspended) takes log-in and mail away.
      - V(absent) is suspended where it is there; archive and removal follow after the delays of the role C(accounts).
    type: str
    choices: [present, suspended, absent]
    default: present
  given_name:
    description: First name; needed for a new account.
    type: str
  surname:
    description: Surname; needed for a new account.
    type: str
  mail:
    description: Address of the academy's domain. Without it, a new account or a new name gets the one its name makes.
    type: str
  profile:
    description: Class of service, one of the fact C(malleposte_profiles); the host refuses another and names them.
    type: str
  quota_mb:
    description: Size of the mailbox in MB; 0 for that of the class.
    type: int
  schools:
    description: UAI codes, all of them.
    type: list
    elements: str
  corps:
    description: Corps; an empty text takes it away.
    type: str
  discipline:
    description: Discipline taught; an empty text takes it away.
    type: str
  function:
    description: Function; an empty text takes it away.
    type: str
  hidden:
    description: Whether the account is kept out of address books and lists.
    type: bool
  recovery_mail:
    description: Address outside, for codes; an empty text takes it away.
    type: str
  recovery_phone:
    description: Telephone, for codes; an empty text takes it away.
    type: str
  numen:
    description: NUMEN of a new account, so that the next feed knows it; kept as a keyed digest.
    type: str
  reason:
    description: The reason, for the journal.
    type: str
    default: ""
  executable:
    description: The command line on the host.
    type: path
    default: /usr/bin/malleposte
attributes:
  check_mode:
    description: Reports what would change.
    support: full
  diff_mode:
    description: Shows attributes before and after; means of recovery and digests are not shown.
    support: full
"""

EXAMPLES = r"""
- name: Keep the help desk's accounts
  academie.malleposte.account:
    uid: "{{ item.uid }}"
    given_name: "{{ item.given_name }}"
    surname: "{{ item.surname }}"
    schools: [0210001M]
    function: Assistance
  loop:
    - {uid: mdupond, given_name: Marie, surname: Dupond}
    - {uid: zmartin, given_name: Zoé, surname: Martin}

- name: Suspend who has left
  academie.malleposte.account:
    uid: jdurand
    state: suspended
    reason: end of contract
"""

RETURN = r"""
mail:
  description: Address of the account; in check mode only where it would change.
  returned: success
  type: str
"""

import json
from typing import Any

from ansible.module_utils.basic import AnsibleModule

FACTS = ("given_name", "surname", "mail", "profile", "quota_mb", "schools", "corps", "discipline", "function", "hidden",
         "recovery_mail", "recovery_phone", "numen")  # fmt: skip
TEXT = {"type": "str"}


def _told(module: AnsibleModule) -> dict[str, Any]:
    """Run the command line; the document it prints."""
    named = {name: module.params[name] for name in ("uid", "state", *FACTS) if module.params[name] is not None}
    argv = [module.params["executable"], "accounts", "declare", "--reason", module.params["reason"]]
    argv += ["--check"] if module.check_mode else []
    code, out, err = module.run_command(argv, data=json.dumps(named), binary_data=True)
    if code != 0:
        module.fail_json(msg=err.strip().removeprefix("malleposte: ") or f"the command ended with {code}", rc=code)
    told: dict[str, Any] = json.loads(out)
    return told


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "uid": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "suspended", "absent"], "default": "present"},
            **{name: TEXT for name in FACTS if name not in ("quota_mb", "schools", "hidden", "numen")},
            "quota_mb": {"type": "int"},
            "schools": {"type": "list", "elements": "str"},
            "hidden": {"type": "bool"},
            "numen": {"type": "str", "no_log": True},
            "reason": {"type": "str", "default": ""},
            "executable": {"type": "path", "default": "/usr/bin/malleposte"},
        },
        supports_check_mode=True,
    )
    told = _told(module)
    result: dict[str, Any] = {"changed": told["changed"], "mail": told["mail"]}
    if module._diff:
        texts = {side: json.dumps(told[side], indent=1, ensure_ascii=False) for side in ("before", "after")}
        result["diff"] = {side: f"{text}\n" for side, text in texts.items()}
    module.exit_json(**result)


if __name__ == "__main__":
    main()
