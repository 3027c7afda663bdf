"""The kinds of device for which there are steps (`templates/own/steps`), and what the password of each opens."""

from __future__ import annotations

from collections.abc import Mapping

OPENS: Mapping[str, tuple[str, ...]] = {
    "android": ("mail", "dav"),
    "thunderbird": ("mail", "dav"),
    "outlook": ("mail",),
    "apple": ("mail", "dav"),
}
"""The accesses that are ticked for each, by the fields of the form. An iPhone comes here where it takes no profile."""
OF_STEPS = tuple(name for name in OPENS if name != "apple")
"""Those whose page has steps alone."""


def known(name: str) -> str:
    """The name of a kind; empty for any other word."""
    return name if name in OPENS else ""
