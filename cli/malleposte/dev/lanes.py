"""The tests over several labs: some exclusive ones on the first, after the shared lane, the others beside them on its
twin; those of the browser on another twin.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from malleposte.core.paths import ROOT
from malleposte.dev import timings
from malleposte.dev.lab.twin import SUFFIXES

SHARED_SECONDS = 750
"""Two thirds of what the shared lane takes on a busy machine of two cores: the twin's tests run beside it. Those that
are left to the first lab run beside the browser's, which take longer still.
"""

TWIN, WINDOWS = SUFFIXES
"""The further labs: that of exclusive tests, that of the browser."""

FIRST = "tests/stack/exclusive/platform/test_secrets_unseen.py"
"""Searches the hosts for what the tests of the shared lane typed: begins the tests of the first lab."""


@dataclass(frozen=True)
class Second:
    """The way to a further lab: words before a command, and its environment; `remove` ends it."""

    enter: tuple[str, ...]
    env: Mapping[str, str]
    remove: Callable[[], None] = lambda: None


def exclusive() -> list[str]:
    """The files of exclusive tests of the usual run."""
    files = (path for path in (ROOT / "tests/stack/exclusive").rglob("test_*.py") if not long_alone(path))
    return sorted(str(path.relative_to(ROOT)) for path in files)


def long_alone(path: Path) -> bool:
    """Whether all tests of a file are left to the full run, which does not use several labs."""
    return re.search(r"^pytestmark = \[?pytest\.mark\.full\b", path.read_text("utf-8"), re.MULTILINE) is not None


def parted(files: Sequence[str], budgets: Mapping[str, float]) -> tuple[list[str], list[str]]:
    """Test files for the first lab and for the second, so that both end at about the same time.

    The order stays, but FIRST comes first.
    """
    seconds = {name: timings.budget(name, budgets) for name in files}
    begins = [name for name in files if name == FIRST]
    free = {True: 0.0, False: SHARED_SECONDS + sum(seconds[name] for name in begins)}
    on_second: set[str] = set()
    for name in sorted(set(files) - {FIRST}, key=lambda one: (-seconds[one], one)):
        second = free[True] <= free[False]
        free[second] += seconds[name]
        if second:
            on_second.add(name)
    own = [name for name in files if name not in on_second and name != FIRST]
    return begins + own, [name for name in files if name in on_second]
