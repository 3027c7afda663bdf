"""The pictures of the documentation: taken by the browser tests, and kept here only where a page shows them.

``python -m tests.browser.support.guide`` after a run of the browser tests replaces them.
"""

import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from malleposte.core.paths import ROOT

from tests.browser.support.browser import PICTURES

FOLDER = ROOT / "docs" / "images"
SHOWN = re.compile(r"\]\((?:\S*/)?images/([\w-]+\.png)\)|<img [^>]*images/([\w-]+\.png)")


def shown(pages: Iterable[Path]) -> set[str]:
    """Return the names of the pictures that some Markdown pages show."""
    found = (pair for page in pages for pair in SHOWN.findall(page.read_text("utf-8")))
    return {name for pair in found for name in pair if name}


def replace(names: Iterable[str], taken: Path, folder: Path) -> list[str]:
    """Copy the pictures that were taken to the folder, and remove from it those that are not named.

    Returns the names of those that were not taken; what the folder holds of them stays.
    """
    wanted = set(names)
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.png"):
        if path.name not in wanted:
            path.unlink()
    for name in wanted:
        if (taken / name).exists():
            shutil.copyfile(taken / name, folder / name)
    return sorted(name for name in wanted if not (taken / name).exists())


def main() -> int:
    """Replace the pictures of the documentation; 1 where one was not taken."""
    missing = replace(shown([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]), PICTURES, FOLDER)
    for name in missing:
        print(f"{name}: not in {PICTURES}; run the browser tests", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
