# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes of the service manifest's entries. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any


class ManifestError(ValueError):
    """An entry that cannot be right; the message names the service and the key."""


Check = Callable[[Any], bool]
ONE_LINE = re.compile(r"[^\x00-\x1f\x7f]+")


def listed(value: str | Sequence[str]) -> list[str]:
    """Return as a list a value that may be written as one text or as a list."""
    return [value] if isinstance(value, str) else list(value)


def text(value: Any) -> bool:
    """One line."""
    return isinstance(value, str) and bool(ONE_LINE.fullmatch(value))


def body(value: Any) -> bool:
    """Text of any number of lines."""
    return isinstance(value, str) and bool(value)


def path(value: Any) -> bool:
    """An absolute path."""
    return text(value) and value.startswith("/")


def number(value: Any) -> bool:
    """A whole number above zero."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def flag(value: Any) -> bool:
    """True or false."""
    return isinstance(value, bool)


def table(value: Any) -> bool:
    """Names and texts; an empty text is one."""
    return isinstance(value, Mapping) and all(text(name) and (one == "" or text(one)) for name, one in value.items())


def languages(value: Any) -> bool:
    """A text in French and in English."""
    return table(value) and set(value) == {"fr", "en"} and all(value.values())


def among(*choices: str) -> Check:
    """One of some words."""
    return lambda value: value in choices


def matching(pattern: str) -> Check:
    """A text that a regular expression matches whole."""
    known = re.compile(pattern)
    return lambda value: isinstance(value, str) and bool(known.fullmatch(value))


def check_shape(where: str, given: Any, shape: Mapping[str, Check], required: Iterable[str] = ()) -> None:
    """Raises ManifestError, which begins with ``where``, on an unknown key, a missing one or a value out of shape."""
    if not isinstance(given, Mapping):
        raise ManifestError(f"{where}: keys and values are expected, not {given!r}")
    unknown = sorted(set(given) - set(shape))
    if unknown:
        raise ManifestError(f"{where}: unknown key {unknown[0]}; known: {', '.join(sorted(shape))}")
    for key in required:
        if key not in given:
            raise ManifestError(f"{where}: {key} is missing")
    for key, value in given.items():
        if not shape[key](value):
            raise ManifestError(f"{where}: {key} cannot be {value!r}")
