"""An earlier version comes out of the whole history; a shallow checkout is told in one line."""

import subprocess
from pathlib import Path

import pytest

from tests.stack.support.release import NoHistoryError, unpack


def git(folder: Path, *words: str) -> str:
    named = ["-c", "user.name=essai", "-c", "user.email=essai@ac-exemple.test", "-c", "commit.gpgsign=false"]
    argv = ["git", "-C", str(folder), *named, *words]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def history(tmp_path: Path) -> tuple[Path, str]:
    """A repository with two versions, and the first one's name."""
    origin = tmp_path / "origin"
    origin.mkdir()
    git(origin, "init", "--quiet")
    for text in ("old", "new"):
        (origin / "file").write_text(text)
        git(origin, "add", "file")
        git(origin, "commit", "--quiet", "--message", text)
    return origin, git(origin, "rev-parse", "HEAD~1")


@pytest.mark.parametrize("depth", [(), ("--depth", "1")])
def test_an_earlier_version_needs_the_whole_history(
    history: tuple[Path, str], depth: tuple[str, ...], tmp_path: Path
) -> None:
    origin, first = history
    checkout, folder = tmp_path / "checkout", tmp_path / "release"
    folder.mkdir()
    git(tmp_path, "clone", "--quiet", *depth, f"file://{origin}", str(checkout))
    if not depth:
        unpack(first, folder, checkout)
        assert (folder / "file").read_text() == "old" and not (folder / ".git").exists()
        return
    with pytest.raises(NoHistoryError) as told:
        unpack(first, folder, checkout)
    line = str(told.value)
    assert "\n" not in line and first in line and str(checkout) in line and "git fetch --unshallow" in line
    assert not list(folder.iterdir())
