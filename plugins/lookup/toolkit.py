# SPDX-License-Identifier: GPL-3.0-or-later
"""The package for hosts, as a file to copy."""

from __future__ import annotations

DOCUMENTATION = r"""
name: toolkit
author: Malleposte (@malleposte)
short_description: The package for hosts, as a file to copy
description:
  - Builds the one file that holds the package for a host, and returns its path on the controller.
  - The same sources give the same bytes. The file goes when the run ends.
options:
  _terms:
    description: C(world) for the programs of the lab's simulated world; no word for the package that all hosts have.
    choices: [world]
"""

EXAMPLES = r"""
- ansible.builtin.copy:
    src: "{{ lookup('academie.malleposte.toolkit') }}"
    dest: /usr/lib/malleposte/malleposte.pyz
    mode: "0644"
"""

RETURN = r"""
_raw:
  description: The path of the file.
  type: list
  elements: path
"""

from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.academie.malleposte.plugins.plugin_utils import toolkit


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        if terms not in ([], ["world"]):
            raise AnsibleError(f"toolkit: {' '.join(map(str, terms))}: give no word, or world")
        archive = toolkit.WORLD if terms else toolkit.HOSTS
        try:
            return [str(toolkit.written(Path(str(constants.DEFAULT_LOCAL_TMP)), archive))]
        except OSError as error:
            raise AnsibleError(f"toolkit: {error.filename}: {error.strerror}") from error
