"""The unit tests mirror what they test: a folder has its counterpart, a file at the top its module."""

from pathlib import Path

from .conftest import ROOT

UNIT = ROOT / "tests" / "unit"
ELSEWHERE = {
    "plugins": ROOT / "plugins",
    "portal": ROOT / "portal" / "malleposte_portal",
    "roles": ROOT / "roles",
    "support": ROOT / "tests" / "stack" / "support",
}
"""Counterparts outside the Python package, by the first folder."""


def counterpart(folder: Path) -> Path:
    """The folder of the sources that a folder of unit tests concerns."""
    first, *rest = folder.relative_to(UNIT).parts
    return ELSEWHERE.get(first, ROOT / "cli" / "malleposte" / first).joinpath(*rest)


def test_each_folder_of_unit_tests_has_its_counterpart() -> None:
    folders = sorted({path.parent for path in UNIT.rglob("test_*.py")} - {UNIT})
    assert folders
    strays = [str(folder.relative_to(ROOT)) for folder in folders if not counterpart(folder).is_dir()]
    assert strays == []


def test_a_unit_test_at_the_top_concerns_a_module_at_the_top() -> None:
    names = [path.stem.removeprefix("test_") for path in UNIT.glob("test_*.py")]
    assert names
    places = {name: (ROOT / "cli" / "malleposte" / f"{name}.py") for name in names}
    places["launcher"] = ROOT / "malleposte"
    assert [name for name, place in places.items() if not place.is_file()] == []
