# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the role nginx; the logic is in module_utils/nginxconf.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.module_utils import nginxconf, vhosts


def nginx_site(site: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    """The inside of one site's server block. Raises AnsibleFilterError, naming the site, when it cannot be."""
    try:
        vhosts.check_site(f"nginx_sites: {site.get('name')}", site, naming=["name"])
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from error
    return nginxconf.lines_of(site, options)


class FilterModule:
    def filters(self) -> Mapping[str, Callable[..., Any]]:
        return {"nginx_site": nginx_site}
