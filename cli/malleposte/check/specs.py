"""The known variables: the facts of meta/facts.yml, and every role's argument spec."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

from malleposte.core.paths import ROOT
from malleposte.platform import facts as declared

WIRING = ROOT / "playbooks" / "group_vars" / "all" / "wiring.yml"
SERVICES = ROOT / "playbooks" / "group_vars" / "all" / "services.yml"
NEAR = 0.6
VERY_NEAR = 0.9
"""Similarity from which a name is offered, or taken for a slip although no role has its beginning (0 to 1).
The first compares what follows the owner's name, which would make all names of one owner alike."""

Spec = Mapping[str, Any]


def _yaml(path: Path) -> Any:
    return yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)


def facts() -> dict[str, Any]:
    """The spec of each fact."""
    return dict(declared.document()["facts"])


def moved() -> dict[str, str]:
    """Variables of earlier releases, and what to write now."""
    return dict(declared.document()["moved"])


def roles() -> dict[str, dict[str, Any]]:
    """Options of each role, over all its entry points."""
    by_role = {}
    for path in sorted((ROOT / "roles").glob("*/meta/argument_specs.yml")):
        entries = _yaml(path)["argument_specs"].values()
        by_role[path.parents[1].name] = {
            key: spec for entry in entries for key, spec in entry.get("options", {}).items()
        }
    return by_role


def defaults(role: str) -> dict[str, Any]:
    """The values that a role has of itself."""
    values: dict[str, Any] = _yaml(ROOT / "roles" / role / "defaults" / "main.yml")
    return values


@dataclass(frozen=True)
class Specs:
    """All variables that mean something here."""

    facts: Mapping[str, Spec]
    roles: Mapping[str, Mapping[str, Spec]]
    moved: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def specs(self) -> dict[str, Spec]:
        """Every variable and its spec."""
        return {**self.facts, **{key: spec for options in self.roles.values() for key, spec in options.items()}}

    def owner(self, name: str) -> str | None:
        """The role whose name the variable bears; `malleposte` for a fact."""
        bare = name.removeprefix("__")
        owners = [owner for owner in ("malleposte", *self.roles) if bare.startswith(f"{owner}_")]
        return max(owners, key=len, default=None)

    def nearest(self, name: str) -> str | None:
        """The known name most like this one; None when none is like it."""
        owner = self.owner(name)
        if owner:
            rests = {one.removeprefix(f"{owner}_"): one for one in self.specs if self.owner(one) == owner}
            near = difflib.get_close_matches(name.removeprefix(f"{owner}_"), rests, n=1, cutoff=NEAR)
            if near:
                return rests[near[0]]
        return next(iter(difflib.get_close_matches(name, self.specs, n=1, cutoff=VERY_NEAR)), None)

    def fault(self, name: str) -> str | None:
        """Return why nobody reads a variable of this name; None for a known one, or for the operator's own."""
        if name in self.specs:
            return None
        if name in self.moved:
            return f"no longer read: {self.moved[name]}"
        owner = self.owner(name)
        near = self.nearest(name)
        if near:
            return f"no such variable; did you mean {near}?"
        if owner is None:
            return None
        page = "docs/reference/facts.md" if owner == "malleposte" else "docs/reference/roles.md"
        return f"no such variable; those of {owner} are in {page}"


@cache
def all_specs() -> Specs:
    """Read all specs, once in a process."""
    return Specs(facts(), roles(), moved())
