"""An agent's agendas and address books of Radicale back: one collection, or all of them.

A collection is a folder of `.ics` or `.vcf` files. It is exchanged in one step under Radicale's own lock, so that the
service goes on; its cache is left behind, so that every device synchronises anew.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from malleposte.errors import InputError

from . import restore_swap as swap
from .restore_model import STAMP, Outcome, Source

ROOT = Path("/var/lib/radicale/collections")
PROPERTIES = ".Radicale.props"
CACHE = ".Radicale.cache"
LOCK = ".Radicale.lock"
NAME = "D:displayname"


class Shelf:
    """Radicale's storage, and beside it where a restore works."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self.collections = root / "collection-root"
        self.work = root / ".malleposte-restore"
        self.aside = root / ".malleposte-aside"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Radicale waits."""
        with (self.root / LOCK).open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def own(self, path: Path) -> None:
        """Give a tree to Radicale."""
        status = self.collections.stat()
        for one in [path, *path.rglob("*")]:
            os.chown(one, status.st_uid, status.st_gid, follow_symlinks=False)


def restore(
    uid: str,
    collection: str,
    source: Source,
    shelf: Shelf,
    *,
    beside: bool = False,
    keep_newer: bool = True,
    say: Callable[[str], None] = print,
) -> Outcome:
    """Collections of an agent as the archive has them: one, or all when `collection` is empty.

    Raises InputError when the archive has none.
    """
    begun = time.monotonic()
    base = shelf.collections / uid
    wanted = base / collection if collection else base
    copy = source.find(str(wanted))
    stamp = datetime.now().strftime(STAMP)
    shutil.rmtree(shelf.work, ignore_errors=True)
    shelf.work.mkdir(mode=0o700)
    outcome = Outcome(f"agendas and contacts of {uid}" + (f": {collection}" if collection else ""), copy)
    outcome.counts = {"collections": 0, "items": 0, "newer kept": 0}
    try:
        say("extracting")
        source.extract(copy, [str(wanted)], shelf.work)
        found = _collections(shelf.work / str(base).lstrip("/"), collection)
        if not found:
            what = f"collection {collection!r}" if collection else "collection"
            raise InputError(f"account {uid}: no {what} in {copy}", "try another --as-of")
        for fresh in found:
            shutil.rmtree(fresh / CACHE, ignore_errors=True)
            outcome.counts["collections"] += 1
            outcome.counts["items"] += len(_items(fresh))
            if beside:
                target = base / f"{fresh.name}-{copy.taken.astimezone():%Y%m%d}"
                _rename(fresh, f"restauration du {copy.taken.astimezone():%d/%m/%Y}")
            else:
                target = base / fresh.name
            outcome.counts["newer kept"] += _place(fresh, target, shelf, stamp, keep=keep_newer or beside)
    finally:
        shutil.rmtree(shelf.work, ignore_errors=True)
    kept = shelf.aside / uid / stamp
    if kept.is_dir():
        outcome.aside = str(kept)
        outcome.notes.append("to undo, move a collection from there back into " + str(base))
    outcome.seconds = time.monotonic() - begun
    return outcome


def _collections(base: Path, name: str) -> list[Path]:
    if name:
        return [base / name] if (base / name).is_dir() else []
    return sorted(path for path in base.glob("*") if path.is_dir() and not path.name.startswith("."))


def _items(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*") if path.is_file() and not path.name.startswith(".")}


def _rename(folder: Path, suffix: str) -> None:
    """Show another name in the agenda, so that both can be told apart."""
    file = folder / PROPERTIES
    properties = json.loads(file.read_text("utf-8")) if file.exists() else {}
    properties[NAME] = f"{properties.get(NAME, folder.name)} ({suffix})"
    file.write_text(json.dumps(properties), "utf-8")


def _place(fresh: Path, target: Path, shelf: Shelf, stamp: str, *, keep: bool) -> int:
    """Exchange `fresh` for what is at `target`, and put that aside; how many items of it were kept."""
    with shelf.locked():
        newer = _items(target) - _items(fresh) if keep and target.is_dir() else set()
        for name in newer:
            shutil.copy2(target / name, fresh / name)
        shelf.own(fresh)
        if not target.exists():
            if not target.parent.exists():
                target.parent.mkdir(mode=0o700)
                shelf.own(target.parent)
            fresh.rename(target)
            return 0
        aside = shelf.aside / target.parent.name / stamp
        aside.mkdir(mode=0o700, parents=True, exist_ok=True)
        swap.exchange(fresh, target)
        fresh.rename(aside / target.name)
    return len(newer)
