"""The exclusive tests over the twins of the lab, beside the tests that share the first lab."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from malleposte import timings
from malleposte.lab.twin import SUFFIXES

NAMES = tuple(f"twin-{suffix}" for suffix in SUFFIXES)
"""The twins, as the runs of their tests are called."""


@dataclass(frozen=True)
class Place:
    """The way to a twin: its name, words before a command, and its environment."""

    name: str
    enter: tuple[str, ...]
    env: Mapping[str, str]


def parted(files: Sequence[str], budgets: Mapping[str, float], labs: int) -> list[list[str]]:
    """Test files for each of so many labs, so that all end at about the same time; the order stays."""
    seconds = {name: timings.budget(name, budgets) for name in files}
    taken = [0.0] * labs
    place: dict[str, int] = {}
    for name in sorted(files, key=lambda one: -seconds[one]):
        place[name] = taken.index(min(taken))
        taken[place[name]] += seconds[name]
    return [[name for name in files if place[name] == lab] for lab in range(labs)]
