"""The limits of a help desk, as the academy decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Rules:
    """The academy's choices. `protected`: beginnings of functions, whose agents count as having a role."""

    read_aloud: bool = False
    read_aloud_a_day: int = 10
    acts_a_day: int = 100
    protected: Sequence[str] = ()
