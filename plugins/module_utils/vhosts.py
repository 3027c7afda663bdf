# SPDX-License-Identifier: GPL-3.0-or-later
"""The web sites of the service manifest: what ``vhost`` may say, and the sites of one host.

``vhost``::

    host: webmail              # a key of malleposte_hostnames; or
    label: mta-sts             # a label under the domain, where a protocol fixes the name
    root: /srv/www/example     # folder of the static locations that name none
    max_body_mb: 60            # largest request, in MB (1)
    csp: "default-src 'self'"  # Content-Security-Policy; frame-ancestors 'self' is added unless it says otherwise
    plain_http: true           # answer on port 80 too, instead of redirecting to https (false)
    locations: []              # in the order in which they are written

A location has ``path``, ``match`` (``prefix``, ``exact``, ``strong``: a prefix before which no regex is looked at,
``regex``, ``named``: the path begins with @) and ``kind``; whatever the kind, ``limit: login`` slows the POSTs of one
address, and ``csp`` and ``max_body_mb`` replace those of the site. ``auth`` is an address of this site, in a location
of kind ``authority``, that is asked first: without its 200 nothing else happens.

``proxy``     ``to`` (``http://127.0.0.1:PORT``, ``unix:/run/x.sock``), ``headers`` (to the service; nginx variables
              stand for values), ``body`` (sent in place of the request's own; empty: none is sent), ``keep`` (variable
              of nginx: header of the answer that led here by ``X-Accel-Redirect``), ``buffers: big`` (services with
              long headers), ``timeout_s`` (60)
``fastcgi``   ``socket`` (path), ``script`` (the one file to run; else the one that the address names under the root),
              ``params``, ``buffers``, ``timeout_s``
``authority`` ``to``, ``headers``: a service that only nginx asks, with the headers of the request and
              ``X-Original-URI``; it answers 200, 401 or 403; ``keep`` (variable of nginx: header of the answer)
``route``     ``to``: a named location, in whose name variables of ``keep`` may stand
``static``    ``root`` or ``alias``, ``index`` (index.html), ``fallback`` (address served when there is no such file),
              ``expires`` (nginx's, such as 7d)
``redirect``  ``to``, ``code`` (302)
``respond``   ``body``, ``type`` (text/plain), ``code`` (200)
``deny``      nothing: 404
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .shapes import Check, ManifestError, among, body, check_shape, flag, matching, number, path, table, text

LABEL = matching(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
VARIABLE = matching(r"[a-z][a-z0-9_]*")
HEADER = matching(r"[A-Za-z][A-Za-z0-9-]*")
UPSTREAM_ADDRESS = matching(r"(https?://|unix:/)[^\s;{}\"']+")
RETURNS = frozenset({"redirect", "respond", "deny"})
"""Kinds that nginx answers before it looks at who asks."""

LOCATION_PATH = {
    "prefix": matching(r"/[A-Za-z0-9._~@:+/-]*"),
    "exact": matching(r"/[A-Za-z0-9._~@:+/-]*"),
    "strong": matching(r"/[A-Za-z0-9._~@:+/-]*"),
    "regex": text,
    "named": matching(r"@[a-z0-9_]+"),
}


def locations(value: Any) -> bool:
    """At least one."""
    return isinstance(value, list) and bool(value)


def line(value: Any) -> bool:
    """One line, or nothing."""
    return value == "" or text(value)


def kept(value: Any) -> bool:
    """nginx variables, and the header that each takes its value from."""
    return isinstance(value, Mapping) and all(
        VARIABLE(name) and HEADER(header) for name, header in value.items()
    )


def code(value: Any) -> bool:
    """A status of HTTP."""
    return number(value) and 200 <= value < 600


NAMES: Mapping[str, Check] = {"host": text, "label": LABEL, "name": text}
SITE: Mapping[str, Check] = {
    "root": path,
    "max_body_mb": number,
    "csp": text,
    "plain_http": flag,
    "locations": locations,
}
EVERY: Mapping[str, Check] = {
    "path": text,
    "match": among(*LOCATION_PATH),
    "kind": text,
    "limit": among("login"),
    "auth": path,
    "csp": text,
    "max_body_mb": number,
}
PROXY: Mapping[str, Check] = {"headers": table, "body": line, "keep": kept}
UPSTREAM: Mapping[str, Check] = {"buffers": among("big"), "timeout_s": number}
KINDS: Mapping[str, tuple[Mapping[str, Check], Mapping[str, Check]]] = {
    "proxy": ({"to": UPSTREAM_ADDRESS}, {**PROXY, **UPSTREAM}),
    "authority": ({"to": UPSTREAM_ADDRESS}, {"headers": table, "keep": kept}),
    "route": ({"to": matching(r"@[a-z0-9_]*([$][a-z][a-z0-9_]*)?")}, {}),
    "fastcgi": ({"socket": path}, {"script": path, "params": table, **UPSTREAM}),
    "static": ({}, {"root": path, "alias": path, "index": text, "fallback": path, "expires": text}),
    "redirect": ({"to": text}, {"code": code}),
    "respond": ({"body": body}, {"type": text, "code": code}),
    "deny": ({}, {}),
}
"""Kind -> the keys it needs, and those it may have."""


def check_site(where: str, site: Mapping[str, Any], naming: Iterable[str] = ("host", "label")) -> None:
    """One site. ``naming`` are the keys of which exactly one says its name. Raises ManifestError."""
    check_shape(where, site, {**SITE, **{key: NAMES[key] for key in naming}}, ["locations"])
    if len([key for key in naming if key in site]) != 1:
        raise ManifestError(f"{where}: give {' or '.join(naming)}")
    seen: set[tuple[str, str]] = set()
    for rank, location in enumerate(site["locations"], start=1):
        place = f"{where}: location {rank}"
        check_location(place, location)
        if location.get("kind") == "static" and not ({"root", "alias"} & set(location) or "root" in site):
            raise ManifestError(f"{place}: root is missing, here or for the whole site")
        key = (location.get("match", "prefix").replace("strong", "prefix"), location["path"])
        if key in seen:
            raise ManifestError(f"{place}: {location['path']} is there twice")
        seen.add(key)
        check_links(place, location, site["locations"])


def check_links(where: str, location: Mapping[str, Any], others: Iterable[Mapping[str, Any]]) -> None:
    """What a location says of others of its site. Raises ManifestError."""
    known = [(other.get("kind"), str(other.get("path"))) for other in others if isinstance(other, Mapping)]
    if "auth" in location:
        if location["kind"] in RETURNS:
            raise ManifestError(f"{where}: {location['kind']} would answer before auth is asked")
        if not any(kind == "authority" and location["auth"].startswith(path) for kind, path in known):
            raise ManifestError(f"{where}: auth {location['auth']} is in no location of kind authority")
    if location["kind"] == "route":
        begins = location["to"].partition("$")[0]
        if not any(path.startswith(begins) for _kind, path in known if path.startswith("@")):
            raise ManifestError(f"{where}: no location is named {location['to']}")


def check_location(where: str, location: Any) -> None:
    """One location. Raises ManifestError."""
    kind = str(location.get("kind")) if isinstance(location, Mapping) else ""
    if kind not in KINDS:
        raise ManifestError(f"{where}: kind {kind!r} is not one of {', '.join(KINDS)}")
    needed, possible = KINDS[kind]
    check_shape(where, location, {**EVERY, **needed, **possible}, ["path", *needed])
    if not LOCATION_PATH[location.get("match", "prefix")](location["path"]):
        raise ManifestError(f"{where}: path cannot be {location['path']!r}")
    if {"root", "alias"} <= set(location):
        raise ManifestError(f"{where}: give root or alias, not both")
    # nginx has no way to write this sign where it looks for variables.
    if kind == "respond" and "$" in location["body"]:
        raise ManifestError(f"{where}: body cannot hold a $; serve a file instead")


def check_vhosts(services: Mapping[str, Mapping[str, Any]]) -> None:
    """Every site of a manifest, and that no two have one name. Raises ManifestError."""
    taken: dict[str, str] = {}
    for name, service in services.items():
        if "vhost" not in service:
            continue
        site = service["vhost"]
        check_site(f"service {name}: vhost", site)
        known = str(site.get("host") or site.get("label"))
        if known in taken:
            raise ManifestError(f"service {name}: vhost {known} is already taken by {taken[known]}")
        taken[known] = name


def named(name: str, site: Mapping[str, Any], hostnames: Mapping[str, str], domain: str) -> str:
    """The host name of a service's site. Raises ManifestError."""
    if "label" in site:
        return f"{site['label']}.{domain}"
    if site["host"] not in hostnames:
        raise ManifestError(f"service {name}: vhost host {site['host']} is not in malleposte_hostnames")
    return str(hostnames[site["host"]])


def sites(
    services: Mapping[str, Mapping[str, Any]], hostnames: Mapping[str, str], domain: str
) -> list[dict[str, Any]]:
    """What the role nginx takes, for these services: ``vhost`` with ``name``, the host name, in place of its key."""
    check_vhosts(services)
    found = []
    for name, service in services.items():
        if "vhost" in service:
            site = service["vhost"]
            kept = {key: value for key, value in site.items() if key not in ("host", "label")}
            found.append({"name": named(name, site, hostnames, domain), **kept})
    return found
