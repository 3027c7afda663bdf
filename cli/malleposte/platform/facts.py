"""The facts of a platform as an inventory says them, with their defaults. For the controller, which has them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from malleposte.core.paths import ROOT
from malleposte.platform import defaults, profiles
from malleposte.platform.classes import Classes

FILE = ROOT / "meta" / "facts.yml"


@cache
def document() -> Mapping[str, Any]:
    """meta/facts.yml: `facts`, the spec of each, and `moved`, what became of earlier variables."""
    import yaml  # a host that has no inventory may lack it

    content: Mapping[str, Any] = yaml.load(FILE.read_text("utf-8"), yaml.CSafeLoader)
    return content


def resolved(name: str, value: Any, names: Mapping[str, str] | None = None) -> Any:
    """A fact as the wiring reads it: what is given, or None, completed. `names`: domain and operator."""
    return defaults.resolved(document()["facts"][name], value, names or {})


def classes(variables: Mapping[str, Any], where: str) -> Classes:
    """The classes of service that a host's variables say. Raises InputError, which begins with `where`."""
    return profiles.parse(resolved("malleposte_profiles", variables.get("malleposte_profiles")), where)
