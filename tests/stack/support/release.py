"""The tree of an earlier version, taken out of the history of this checkout."""

import subprocess
from pathlib import Path

from malleposte.core.paths import ROOT


class NoHistoryError(Exception):
    """The checkout does not hold that version; the text is one line and says what to type."""


def unpack(commit: str, folder: Path, root: Path = ROOT) -> None:
    """Write the files of `commit`, without its history, into a folder that exists.

    Raises NoHistoryError where the checkout at `root` does not hold the commit, as a shallow one.
    """
    git = ["git", "-C", str(root)]
    known = subprocess.run([*git, "cat-file", "-e", f"{commit}^{{commit}}"], capture_output=True, check=False)
    if known.returncode:
        raise NoHistoryError(
            f"the history in {root} does not hold {commit}, as in a shallow checkout; type: git fetch --unshallow"
        )
    packed = subprocess.run([*git, "archive", commit], capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=packed, check=True)
