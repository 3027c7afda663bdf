"""Check Radicale's configuration before it is put in place; Radicale itself would only find out when it starts.

Usage: radicale-check DIRECTORY. Reads DIRECTORY/config and DIRECTORY/rights as Radicale does, without its data:
options, values, the rules, the collections made at a first visit. Prints the reason and exits 1 when all is not right.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TAGS = {"VCALENDAR", "VADDRESSBOOK"}


def check(folder: Path, scratch: str) -> None:
    """Raises RuntimeError or ValueError with what is wrong."""
    from radicale import Application, config

    configuration: Any = config.load([(str(folder / "config"), False)])
    elsewhere = {"filesystem_folder": scratch, "filesystem_cache_folder": scratch}
    configuration.update({"storage": elsewhere, "rights": {"file": str(folder / "rights")}}, "radicale-check")
    application: Any = Application(configuration)
    for path in ("/", "/someone/", "/someone/agenda/", "/other/agenda/"):
        if "other" in path and application._rights.authorization("someone", path):
            raise ValueError(f"rights: someone may enter {path}")
        application._rights.authorization("someone", path)
    for name, properties in configuration.get("storage", "predefined_collections").items():
        if "/" in name or not isinstance(properties, dict) or properties.get("tag") not in TAGS:
            raise ValueError(f"predefined_collections: {name}: its tag must be one of {', '.join(sorted(TAGS))}")


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != 1:
        print("usage: radicale-check DIRECTORY", file=sys.stderr)
        return 2
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as scratch:
        try:
            check(Path(words[0]), scratch)
        except (RuntimeError, ValueError, OSError) as error:
            print(f"radicale: {error}", file=sys.stderr)
            return 1
    return 0
