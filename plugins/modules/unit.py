#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage a unit of systemd, also one that only a deploy will bring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: unit
short_description: Manage a unit of systemd, also one that only a deploy will bring
description:
  - The same as M(ansible.builtin.systemd_service), with its options. In check mode a unit that the host does not have
    yet is a change and no failure, so that a dry run over hosts of an earlier release reaches its end.
author: Malleposte (@malleposte)
options:
  name:
    description: The unit, with its ending.
    type: str
  state:
    description: The state that it must have.
    type: str
    choices: [reloaded, restarted, started, stopped]
  enabled:
    description: Whether it starts with the host.
    type: bool
  masked:
    description: Whether it must not start at all.
    type: bool
  daemon_reload:
    description: Whether systemd reads its files again first.
    type: bool
    default: false
  no_block:
    description: Whether to go on before the job of systemd has ended.
    type: bool
    default: false
attributes:
  check_mode:
    description: Reports what would change.
    support: full
"""

EXAMPLES = r"""
- name: Start Unbound
  academie.malleposte.unit:
    name: unbound.service
    enabled: true
    state: started
"""

RETURN = r"""
msg:
  description: That the host does not have the unit yet.
  returned: in check mode, when it is so
  type: str
"""

# The action plugin of the same name does the work.
