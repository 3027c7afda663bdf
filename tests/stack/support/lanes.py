"""The shared lane: which tests keep together on one worker, and in which order the workers take them.

A file says it in one line: `pytestmark = pytest.mark.scattered`, any worker may take any of its tests;
`pytestmark = pytest.mark.together("name")`, its tests and those of other files of that name go one after the other.
A file of long tests alone has a list, whose first mark is `full`. Without such a line the tests of the file keep
together.
"""

import functools
import re
from pathlib import Path

from malleposte.core.paths import ROOT
from malleposte.dev import timings
from xdist.scheduler import LoadScopeScheduling

SCATTERED = ""
_LINE = re.compile(
    r"^pytestmark = (?:\[pytest\.mark\.full, )?pytest\.mark\.(?:(scattered)|together\(\"(\w+)\"\))\]?$", re.MULTILINE
)


@functools.cache
def group(path: str) -> str:
    """The group of a test file, by its path below the checkout; SCATTERED for one of no group."""
    found = _LINE.search((ROOT / path).read_text("utf-8"))
    if found is None:
        return path
    return SCATTERED if found[1] else found[2]


@functools.cache
def weights() -> dict[str, float]:
    """Seconds that each group may take, by the budgets of its files."""
    allowed = timings.budgets()
    found: dict[str, float] = {}
    for path in sorted((ROOT / "tests/stack/shared").rglob("test_*.py")):
        name = str(path.relative_to(ROOT))
        found[group(name)] = found.get(group(name), 0.0) + timings.budget(name, allowed)
    return found


def rank(path: Path) -> tuple[bool, float]:
    """The order of a file's tests: the longest groups first, scattered ones last, to fill the gaps."""
    name = group(str(path.relative_to(ROOT)))
    return name == SCATTERED, -weights().get(name, 0.0)


class Groups(LoadScopeScheduling):  # type: ignore[misc]
    """Gives whole groups to the workers. (The groups of pytest-xdist itself are lost on pytest 9.2.)"""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid.partition("::")[0]) or nodeid
