# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts with their defaults, which meta/facts.yml holds: what an inventory does not say is completed here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Spec = Mapping[str, Any]
PLACES = re.compile(r"{([a-z]+)}")


def of_spec(spec: Spec) -> bool:
    """Whether a fact, or a key inside it, has a default."""
    return "default" in spec or any(map(of_spec, spec.get("options", {}).values()))


def resolved(spec: Spec, given: Any, names: Mapping[str, str]) -> Any:
    """The value that counts; None where there is neither a value (`given` is None) nor a default.

    `names` replaces `{name}` in defaults; a default with a name that is not there, or is empty, is none. Of a
    dictionary with `options` each key has its default. One with free keys (`values`) is taken as it is given, each
    entry completed by the default's entry of the same key.
    """
    default = spec.get("default")
    if spec.get("format") != "signature":  # a template with places of its own
        default = _named(default, names)
    if spec.get("type") != "dict":
        return default if given is None else given
    if given is None:
        given = default if default is not None else ({} if of_spec(spec) else None)
    if not isinstance(given, Mapping):
        return given
    options: Mapping[str, Spec] = spec.get("options", {})
    default = default or {}
    found = {key: default[key] for key in default if key in options}
    found |= {key: _completed(value, default.get(key)) for key, value in given.items()}
    for key, below in options.items():
        if key not in found and (value := resolved(below, None, names)) is not None:
            found[key] = value
        elif isinstance(found.get(key), Mapping):
            found[key] = resolved(below, found[key], names)
    for key in found.keys() - options.keys():
        if isinstance(found[key], Mapping) and "values" in spec:
            found[key] = resolved(spec["values"], found[key], names)
    return found


def _completed(value: Any, default: Any) -> Any:
    """A dictionary with the keys that it lacks of the default."""
    return {**default, **value} if isinstance(value, Mapping) and isinstance(default, Mapping) else value


def _named(default: Any, names: Mapping[str, str]) -> Any:
    if not isinstance(default, str):
        return default
    if not all(names.get(name) for name in PLACES.findall(default)):
        return None
    return PLACES.sub(lambda found: names[found[1]], default)
