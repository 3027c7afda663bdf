"""What the facts mean together: names below the domain, a policy that can be met, certificates that can be had."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from malleposte.check.findings import Finding, Level
from malleposte.check.offline import Reader
from malleposte.check.site import PLATFORM
from malleposte.policy.model import Policy, PolicyError

SITES = ("portal", "webmail", "groupware", "dav")
"""Names that are told apart by nginx: no two may be the same."""
PROTOCOL_LABELS = ("mta-sts", "autoconfig")


def facts(reader: Reader) -> Iterator[Finding]:
    """Every fault, once, however many hosts have it."""
    seen = set()
    for host in reader.site.members(PLATFORM):
        for check in (_names, _policy, _tls, _lists, _addresses):
            for finding in check(reader, host):
                if finding not in seen:
                    seen.add(finding)
                    yield finding


def _mapping(reader: Reader, host: str, name: str) -> Mapping[str, Any]:
    value = reader.value(host, name)
    return value if isinstance(value, Mapping) else {}


def _names(reader: Reader, host: str) -> Iterator[Finding]:
    domain = reader.value(host, "malleposte_domain")
    hostnames = _mapping(reader, host, "malleposte_hostnames")
    sites: dict[str, str] = {}
    for key, name in hostnames.items():
        if not isinstance(domain, str) or not isinstance(name, str):
            continue
        if not name.endswith(f".{domain}"):
            message = f"{name} is not below the domain {domain}"
            yield reader.wrong(host, "malleposte_hostnames", (key,), message)
        elif name.removesuffix(f".{domain}") in PROTOCOL_LABELS:
            message = f"{name} is taken by a protocol; choose another name"
            yield reader.wrong(host, "malleposte_hostnames", (key,), message)
        if key in SITES and name in sites:
            message = f"{name} is the name of {sites[name]} already; each web service has a name of its own"
            yield reader.wrong(host, "malleposte_hostnames", (key,), message)
        elif key in SITES:
            sites[name] = key


def _policy(reader: Reader, host: str) -> Iterator[Finding]:
    given = _mapping(reader, host, "malleposte_password_policy")
    try:
        Policy.from_mapping(given)
    except PolicyError as error:
        if not str(error).startswith("unknown key"):  # told with its line already
            yield reader.wrong(host, "malleposte_password_policy", (), str(error))


def _tls(reader: Reader, host: str) -> Iterator[Finding]:
    tls = _mapping(reader, host, "malleposte_tls")
    if tls.get("source") == "acme":
        for key in ("acme_directory", "contact"):
            if not tls.get(key):
                yield reader.wrong(host, "malleposte_tls", ("source",), f"acme needs malleposte_tls.{key} too")


def _lists(reader: Reader, host: str) -> Iterator[Finding]:
    if _mapping(reader, host, "malleposte_networks").get("admin") == []:
        message = "is empty: nobody could reach ssh any more"
        yield reader.wrong(host, "malleposte_networks", ("admin",), message)
    if reader.value(host, "malleposte_operators") == []:
        yield reader.wrong(host, "malleposte_operators", (), "is empty: nobody would read what postmaster is sent")


def _addresses(reader: Reader, host: str) -> Iterator[Finding]:
    for name in _mapping(reader, host, "malleposte_public_addresses"):
        if name not in reader.site.members(PLATFORM):
            message = f"the inventory has no host {name}"
            yield reader.wrong(host, "malleposte_public_addresses", (name,), message)


def groups(reader: Reader) -> Iterator[Finding]:
    """Groups without hosts, hosts outside the platform, addresses and short names that two hosts claim."""
    where, lines = reader.sources.hosts_file, reader.sources.host_lines
    place = where or reader.sources.folder
    platform = reader.site.members(PLATFORM)
    if not platform:
        yield Finding(Level.WRONG, "the inventory has no host in this group", place, 0, PLATFORM)
        return
    for group in ("directory", "mail", "database", "web", "portal"):
        line = reader.sources.group_lines.get(group, 0)
        members = reader.site.members(group)
        if not members:
            yield Finding(Level.WRONG, "no host in this group, and a platform needs one", place, line, group)
        for host in sorted(set(members) - set(platform)):
            message = f"in the group {group}, but not in {PLATFORM}"
            yield Finding(Level.WRONG, message, place, lines.get(host, 0), host)
    vaults = reader.site.members("vault")
    line = reader.sources.group_lines.get("vault", 0)
    if len(vaults) < 2:
        count = {0: "no host: nothing is backed up", 1: "one host: its loss is the loss of every backup"}[len(vaults)]
        yield Finding(Level.WARNING, f"{count}; two vaults are wanted", place, line, "vault")
    yield from _twice(reader, place)


def _twice(reader: Reader, place: Any) -> Iterator[Finding]:
    addresses: dict[str, str] = {}
    names: dict[str, str] = {}
    for host in reader.site.members("all"):
        line = reader.sources.host_lines.get(host, 0)
        address = str(reader.value(host, "ansible_host") or host)
        port = str(reader.value(host, "ansible_port") or 22)
        if (other := addresses.setdefault(f"{address} {port}", host)) != host:
            yield Finding(Level.WRONG, f"has the address of {other}, {address}", place, line, f"{host}.ansible_host")
        short = host.partition(".")[0]
        if host in reader.site.members(PLATFORM) and (other := names.setdefault(short, host)) != host:
            yield Finding(Level.WRONG, f"has the short name of {other}, {short}", place, line, host)
