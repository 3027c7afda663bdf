"""The roles that a deployment runs on each host, and their order, from playbooks/site.yml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from malleposte.core.paths import SITE
from malleposte.fleet.site import Site

INCLUDE = "ansible.builtin.include_role"


def order(site: Site) -> Iterator[tuple[str, str]]:
    """(role, host), the role without the collection's name, as they come in turn. Raises UnknownError."""
    for play in yaml.load(SITE.read_text("utf-8"), yaml.CSafeLoader):
        hosts = site.played(play["hosts"])
        yield from ((name.rpartition(".")[2], host) for name in _named(play) for host in hosts)


def roles(site: Site) -> dict[str, set[str]]:
    """The roles by host. Raises UnknownError."""
    by_host: dict[str, set[str]] = {}
    for role, host in order(site):
        by_host.setdefault(host, set()).add(role)
    return by_host


def _named(play: Mapping[str, Any]) -> Iterator[str]:
    yield from (str(one["role"]) for one in play.get("roles", ()))
    yield from (str(task[INCLUDE]["name"]) for task in play.get("tasks", ()) if INCLUDE in task)
