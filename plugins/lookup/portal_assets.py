# SPDX-License-Identifier: GPL-3.0-or-later
"""The large files that the portal serves, as a file to copy."""

from __future__ import annotations

DOCUMENTATION = r"""
name: portal_assets
author: Malleposte (@malleposte)
short_description: The large files that the portal serves, as a file to copy
description:
  - Has npm fetch the packages of C(portal/npm/package-lock.json) and check their digests, puts the files that pages
    use, and the pictures of the agents' guide, into one archive, and returns its path on the controller. The archive
    is kept in C(var/portal-assets) and made anew when the lock or a picture changes.
  - The term C(digest) returns a digest of the archive instead, C(log-in) the path of a folder with those of its files
    that the log-in page uses, C(agenda) of one with those of the light webmail's agenda.
options:
  _terms:
    description: None, C(digest), C(log-in) or C(agenda).
"""

EXAMPLES = r"""
- ansible.builtin.copy:
    src: "{{ lookup('academie.malleposte.portal_assets') }}"
    dest: /usr/lib/malleposte/portal-assets.zip
    mode: "0644"
"""

RETURN = r"""
_raw:
  description: The path of the file or the folder, or 16 hexadecimal digits.
  type: list
  elements: str
"""

from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.academie.malleposte.plugins.plugin_utils import portal_assets

PARTS = {"log-in": portal_assets.log_in, "agenda": portal_assets.agenda}


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        try:
            if "digest" in terms:
                return [portal_assets.digest()]
            part = next((PARTS[term] for term in terms if term in PARTS), portal_assets.written)
            return [str(part())]
        except (OSError, portal_assets.AssetsError) as error:
            raise AnsibleError(f"portal_assets: {error}") from error
