"""An agent's agendas and address books of Radicale back: one collection, or all of them.

A collection is a folder of `.ics` or `.vcf` files. It is exchanged in one step under Radicale's own lock, so that the
service goes on; its cache is left behind, so that every device synchronises anew.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from malleposte.backup.restore.kept import ASIDE, RADICALE
from malleposte.backup.restore.mail import swap
from malleposte.backup.restore.model import STAMP, Outcome
from malleposte.backup.restore.vault import Archives
from malleposte.core.errors import InputError
from malleposte.platform import locks
from malleposte.runtime import owner

PROPERTIES = ".Radicale.props"
CACHE = ".Radicale.cache"
LOCK = ".Radicale.lock"
NAME = "D:displayname"
OTHERWISE = "try another --as-of, or --service sogo where its class was another then"


class Store:
    """Radicale's storage, and beside it where a restore works."""

    def __init__(self, root: Path = RADICALE) -> None:
        self.root = root
        self.collections = root / "collection-root"
        self.work = root / ".malleposte-restore"
        self.aside = root / ASIDE

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Radicale waits. To be called as its user."""
        with locks.waited(self.root / LOCK):
            yield


def restore(
    uid: str,
    collection: str,
    source: Archives,
    store: Store,
    *,
    beside: bool = False,
    keep_newer: bool = True,
    say: Callable[[str], None] = print,
) -> Outcome:
    """Collections of an agent as the archive has them: one, or all when `collection` is empty.

    Raises InputError when the archive has none.
    """
    with owner.as_owner(store.collections):
        begun = time.monotonic()
        base = store.collections / uid
        path = base / collection if collection else base
        copy = source.find(str(path))
        stamp = datetime.now().strftime(STAMP)
        for place in (store.work, store.aside):
            owner.hand_over(place)
        shutil.rmtree(store.work, ignore_errors=True)
        store.work.mkdir(mode=0o700)
        outcome = Outcome(f"agendas and contacts of {uid}" + (f": {collection}" if collection else ""), copy)
        outcome.counts = {"collections": 0, "items": 0, "newer kept": 0}
        try:
            say("extracting")
            source.extract(copy, [str(path)], store.work)
            extracted = _collections(store.work / str(base).lstrip("/"), collection)
            if not extracted:
                what = f"collection {collection!r}" if collection else "collection"
                raise InputError(
                    f"account {uid}: no {what} in {copy}",
                    OTHERWISE,
                )
            for fresh in extracted:
                shutil.rmtree(fresh / CACHE, ignore_errors=True)
                outcome.counts["collections"] += 1
                outcome.counts["items"] += len(_items(fresh))
                if beside:
                    target = base / f"{fresh.name}-{copy.taken.astimezone():%Y%m%d}"
                    _rename(fresh, f"restauration du {copy.taken.astimezone():%d/%m/%Y}")
                else:
                    target = base / fresh.name
                outcome.counts["newer kept"] += _place(fresh, target, store, stamp, keep=keep_newer or beside)
        finally:
            shutil.rmtree(store.work, ignore_errors=True)
        aside = store.aside / uid / stamp
        if aside.is_dir():
            outcome.aside = str(aside)
            outcome.notes.append("to undo, move a collection from there back into " + str(base))
        outcome.seconds = time.monotonic() - begun
        return outcome


def _collections(base: Path, name: str) -> list[Path]:
    if name:
        return [base / name] if owner.folder(base / name) else []
    return sorted(path for path in base.glob("*") if owner.folder(path) and not path.name.startswith("."))


def _items(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*") if owner.plain(path) and not path.name.startswith(".")}


def _rename(folder: Path, suffix: str) -> None:
    """Show another name in the agenda, so that both can be told apart."""
    file = folder / PROPERTIES
    properties = json.loads(owner.read(file)) if owner.plain(file) else {}
    properties[NAME] = f"{properties.get(NAME, folder.name)} ({suffix})"
    file.write_text(json.dumps(properties), "utf-8")


def _place(fresh: Path, target: Path, store: Store, stamp: str, *, keep: bool) -> int:
    """Exchange `fresh` for what is at `target`, and put that aside; return the number of items kept."""
    with store.locked():
        newer = _items(target) - _items(fresh) if keep and owner.folder(target) else set()
        for name in newer:
            shutil.copy2(target / name, fresh / name)
        if not target.exists():
            if not target.parent.exists():
                target.parent.mkdir(mode=0o700)
            fresh.rename(target)
            return 0
        aside = store.aside / target.parent.name / stamp
        aside.mkdir(mode=0o700, parents=True, exist_ok=True)
        swap.exchange(fresh, target)
        fresh.rename(aside / target.name)
    return len(newer)
