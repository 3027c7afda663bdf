"""The exclusive tests over two labs: some on the first, after the shared lane, the others beside them on its twin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from malleposte import timings

SHARED_SECONDS = 790
"""The shared lane on a quiet machine of two cores; the twin's tests take up this time as well."""


@dataclass(frozen=True)
class Second:
    """The way to the second lab: words before a command, and its environment."""

    enter: tuple[str, ...]
    env: Mapping[str, str]


def parted(files: Sequence[str], budgets: Mapping[str, float]) -> tuple[list[str], list[str]]:
    """Test files for the first lab and for the second, so that both end at about the same time; the order stays."""
    seconds = {name: timings.budget(name, budgets) for name in files}
    free = {True: 0.0, False: float(SHARED_SECONDS)}
    on_second: set[str] = set()
    for name in sorted(files, key=lambda one: -seconds[one]):
        second = free[True] <= free[False]
        free[second] += seconds[name]
        if second:
            on_second.add(name)
    return [name for name in files if name not in on_second], [name for name in files if name in on_second]
