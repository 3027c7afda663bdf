#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install packages of Debian, without what they recommend."""

from __future__ import annotations

DOCUMENTATION = r"""
module: packages
short_description: Install packages of Debian, without what they recommend, or remove them
description:
  - The same as M(ansible.builtin.apt) with C(install_recommends=false), but asks apt only when the fact of
    M(academie.malleposte.installed), where it was gathered, does not show every package in its state.
  - It waits five minutes for apt's lock.
author: Malleposte (@malleposte)
options:
  name:
    description: The packages; an empty list where the host needs none.
    type: list
    elements: str
    required: true
  state:
    description: Whether the host has them.
    type: str
    choices: [absent, present]
    default: present
  cache_valid_time:
    description: Age in seconds from which apt's lists are fetched anew before something is installed.
    type: int
    default: 43200
  ahead:
    description:
      - Whether a new host may get them before the turn of their role, while nothing starts
        (P(academie.malleposte.packages_ahead#lookup)).
    type: bool
    default: true
attributes:
  check_mode:
    description: Reports what would be installed.
    support: full
  diff_mode:
    description: As of M(ansible.builtin.apt).
    support: full
"""

EXAMPLES = r"""
- name: Install Unbound
  academie.malleposte.packages:
    name: [unbound, dns-root-data]
"""

RETURN = r"""
msg:
  description: The reason why apt was not asked.
  returned: when it was not
  type: str
"""

# The action plugin of the same name does the work.
