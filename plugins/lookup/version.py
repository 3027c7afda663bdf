# SPDX-License-Identifier: GPL-3.0-or-later
"""The version of Malleposte, read from its one place: the Python package of the collection."""

from __future__ import annotations

DOCUMENTATION = r"""
name: version
author: Malleposte (@malleposte)
short_description: The version of Malleposte
description:
  - Returns C(__version__) of C(cli/malleposte/__init__.py), the version that C(malleposte --version) prints.
options: {}
"""

EXAMPLES = r"""
- ansible.builtin.debug:
    msg: "{{ lookup('academie.malleposte.version') }}"
"""

RETURN = r"""
_raw:
  description: The version, such as V(0.7.0).
  type: list
  elements: str
"""

import re
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.academie.malleposte.plugins.plugin_utils import toolkit


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        path = toolkit.PACKAGE / "__init__.py"
        try:
            text = path.read_text("utf-8")
        except OSError as error:
            raise AnsibleError(f"version: {path}: {error.strerror}; install the collection again") from error
        found = re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
        if found is None:
            raise AnsibleError(f"version: {path}: no __version__; install the collection again")
        return [found[1]]
