# SPDX-License-Identifier: GPL-3.0-or-later
"""The public names of the service manifest: web sites (``vhost``) and names of other protocols (``hostname``).

``vhost``::

    host: webmail     # a key of malleposte_hostnames; or
    label: mta-sts    # a label under the domain, where a protocol fixes the name
    plain_http: true  # answer on port 80 too, instead of redirecting to https (false)

What a site serves is laid by the service's role: ``tasks/site.yml``, ``templates/etc/nginx/sites/<service>.conf.j2``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .shapes import Check, ManifestError, check_shape, flag, listed, matching, text

SITE: Mapping[str, Check] = {
    "host": text,
    "label": matching(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"),
    "plain_http": flag,
}


def check_vhosts(services: Mapping[str, Mapping[str, Any]]) -> None:
    """Every site of a manifest, and that no two have one name. Raises ManifestError."""
    taken: dict[str, str] = {}
    for name, service in services.items():
        if "vhost" not in service:
            continue
        site = service["vhost"]
        check_shape(f"service {name}: vhost", site, SITE)
        if ("host" in site) == ("label" in site):
            raise ManifestError(f"service {name}: vhost: give host or label")
        known = str(site.get("host") or site.get("label"))
        if known in taken:
            raise ManifestError(f"service {name}: vhost {known} is already taken by {taken[known]}")
        taken[known] = name


def named(key: str, name: str, hostnames: Mapping[str, str]) -> str:
    """The public name of a key that a service names. Raises ManifestError."""
    if key not in hostnames:
        raise ManifestError(f"service {name}: host name {key} is not in malleposte_hostnames")
    return str(hostnames[key])


def sites(services: Mapping[str, Mapping[str, Any]], hostnames: Mapping[str, str], domain: str) -> list[dict[str, Any]]:
    """The variable of the role nginx, for these services: ``[{name, service, plain_http}]``."""
    check_vhosts(services)
    found = []
    for name, service in services.items():
        if "vhost" in service:
            site = service["vhost"]
            host = f"{site['label']}.{domain}" if "label" in site else named(site["host"], name, hostnames)
            found.append({"name": host, "service": name, "plain_http": site.get("plain_http", False)})
    return found


def names(
    services: Mapping[str, Mapping[str, Any]], hostnames: Mapping[str, str], domain: str
) -> list[tuple[str, str]]:
    """Every public name, and the service that answers for it."""
    others = [
        (named(key, name, hostnames), name)
        for name, service in services.items()
        for key in listed(service.get("hostname", []))
    ]
    return others + [(site["name"], site["service"]) for site in sites(services, hostnames, domain)]
