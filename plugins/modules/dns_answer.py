#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until a DNS server gives the expected answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: dns_answer
short_description: Wait until a DNS server gives the expected answer
description:
  - Asks from the host itself, over UDP, until the answer is the expected one or the time is over. Changes nothing.
author: Malleposte (@malleposte)
options:
  server:
    description: Address of the server.
    type: str
    required: true
  name:
    description: Name asked.
    type: str
    required: true
  type:
    description: Type asked.
    type: str
    default: A
  rcode:
    description: Expected response code.
    type: str
    default: NOERROR
  secure:
    description: Whether the answer must have been validated (AD).
    type: bool
    default: false
  timeout:
    description: Seconds to wait at most.
    type: int
    default: 20
attributes:
  check_mode:
    description: Reads only.
    support: full
"""

EXAMPLES = r"""
- name: Wait for the resolver
  academie.malleposte.dns_answer:
    server: 127.0.0.1
    name: example.org
"""

RETURN = r"""
rcode:
  description: Response code.
  returned: success
  type: str
secure:
  description: Whether the server validated the answer.
  returned: success
  type: bool
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.academie.malleposte.plugins.module_utils.dnsrecords import wire

PAUSE = 0.3
"""Seconds between two questions."""


def reason(verdict: wire.Verdict, rcode: str, secure: bool) -> str:
    """Why this is not the expected answer; empty when it is."""
    if verdict.rcode != rcode:
        return f"answered {verdict.rcode}, {rcode} was expected"
    if secure and not verdict.secure:
        return "answered without having validated (no AD)"
    return ""


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "server": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            "type": {"type": "str", "default": "A"},
            "rcode": {"type": "str", "default": "NOERROR"},
            "secure": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 20},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    end = time.monotonic() + wanted["timeout"]
    while True:
        try:
            verdict = wire.ask(wanted["server"], wanted["name"], wanted["type"], 3.0)
            problem = reason(verdict, wanted["rcode"], wanted["secure"])
            if not problem:
                module.exit_json(changed=False, rcode=verdict.rcode, secure=verdict.secure)
        except wire.WireError as error:
            problem = str(error)
        if time.monotonic() >= end:
            module.fail_json(msg=f"{wanted['server']}: {wanted['name']} {wanted['type']}: {problem}")
        time.sleep(PAUSE)


if __name__ == "__main__":
    main()
