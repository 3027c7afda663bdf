# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line for hosts, as a file to copy."""

from __future__ import annotations

DOCUMENTATION = r"""
name: toolkit
author: Malleposte (@malleposte)
short_description: The command line for hosts, as a file to copy
description:
  - Builds the one file that holds the command line's Python for a host, and returns its path on the controller.
  - The same sources give the same bytes. The file goes when the run ends.
options:
  _terms:
    description: A daemon of the package (C(accountd), C(authpolicy)), alone; the command line when none.
    type: list
    elements: str
    default: []
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
        daemon = terms[0] if terms else ""
        if daemon and daemon not in toolkit.DAEMONS:
            raise AnsibleError(f"toolkit: no daemon is called {daemon!r}; known: {', '.join(toolkit.DAEMONS)}")
        path = Path(str(constants.DEFAULT_LOCAL_TMP)) / f"{daemon or 'malleposte'}.pyz"
        try:
            content = toolkit.build(daemon=daemon)
            if not path.exists() or path.read_bytes() != content:
                beside = path.with_name(f".{path.name}.{id(self)}")
                beside.write_bytes(content)
                beside.rename(path)
        except OSError as error:
            raise AnsibleError(f"toolkit: {error.filename}: {error.strerror}") from error
        return [str(path)]
