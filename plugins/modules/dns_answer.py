#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until a DNS server gives the expected answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: dns_answer
short_description: Wait until a DNS server gives the expected answer
description:
  - Asks from the host itself, over UDP, until the answer is the expected one or the time is over. Changes nothing.
requirements: [python3-dnspython]
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
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

try:
    import dns.exception
    import dns.flags
    import dns.message
    import dns.query
    import dns.rcode
except ImportError:
    THERE = False
else:
    THERE = True

PAUSE = 0.3
"""Seconds between two questions."""
ANSWER = 3.0
"""Seconds for one answer."""


def question(name: str, kind: str) -> Any:
    """A recursive question with AD and DO set, so that the answer tells whether it was validated (RFC 6840)."""
    return dns.message.make_query(name, kind, want_dnssec=True, flags=dns.flags.RD | dns.flags.AD)


def reason(answer: Any, rcode: str, secure: bool) -> str:
    """Return the reason why this is not the expected answer; empty when it is."""
    if dns.rcode.to_text(answer.rcode()) != rcode:
        return f"answered {dns.rcode.to_text(answer.rcode())}, {rcode} was expected"
    if secure and not answer.flags & dns.flags.AD:
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
    if not THERE and module.check_mode:
        module.exit_json(changed=False, skipped=True, msg="not asked: a deploy installs the dnspython that this needs")
    if not THERE:
        module.fail_json(msg=missing_required_lib("dnspython"))
    wanted = module.params
    end = time.monotonic() + wanted["timeout"]
    try:
        asked = question(wanted["name"], wanted["type"])
    except dns.exception.DNSException as error:
        module.fail_json(msg=f"{wanted['name']} {wanted['type']}: no question: {error}")
    while True:
        try:
            answer = dns.query.udp(asked, wanted["server"], ANSWER)
            problem = reason(answer, wanted["rcode"], wanted["secure"])
            if not problem:
                secure = bool(answer.flags & dns.flags.AD)
                module.exit_json(changed=False, rcode=dns.rcode.to_text(answer.rcode()), secure=secure)
        except (OSError, dns.exception.DNSException) as error:
            problem = str(error) or type(error).__name__
        if time.monotonic() >= end:
            module.fail_json(msg=f"{wanted['server']}: {wanted['name']} {wanted['type']}: {problem}")
        time.sleep(PAUSE)


if __name__ == "__main__":
    main()
