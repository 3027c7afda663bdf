"""Plans of imports, kept on the directory's host: they hold names and addresses, and are applied by their id."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from malleposte.accounts.plan import changes, lines
from malleposte.core.errors import InputError
from malleposte.platform.idents import is_ident, new_ident
from malleposte.runtime import durable

FOLDER = Path("/var/lib/malleposte/accounts/plans")
DAYS = 30
"""A plan that is older is removed when another is made."""


def keep(plan: changes.Plan, now: datetime.datetime, folder: Path = FOLDER) -> str:
    """Write a plan to its file, 0600, and remove old ones; its id."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    oldest = (now - datetime.timedelta(days=DAYS)).timestamp()
    for path in folder.glob("*.json"):
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
    ident = new_ident(now)
    with durable.replacing(folder / f"{ident}.json") as file:
        file.writelines(piece.encode() for piece in plan.pieces())
    return ident


@dataclass(frozen=True)
class PlanHead:
    """A plan's id, its time (ISO 8601, UTC), the name of its feed, changes by kind, the plan that it takes back."""

    ident: str
    made: str
    feed: str
    counts: Mapping[str, int]
    reverts: str = ""


def heads(folder: Path = FOLDER) -> Iterator[PlanHead]:
    """Yield the heads of all plans, the newest first. Raises InputError for one that cannot be read."""
    for path in sorted(folder.glob("*.json"), reverse=True) if folder.is_dir() else []:
        yield _head(path)


def reverting(ident: str, folder: Path = FOLDER) -> Iterator[changes.Plan]:
    """Yield the plans that take a plan back, the newest first. One that cannot be read is none."""
    for path in sorted(folder.glob("*.json"), reverse=True) if folder.is_dir() else []:
        with contextlib.suppress(InputError):
            if _head(path).reverts == ident:
                yield load(path.stem, folder)


def _head(path: Path) -> PlanHead:
    document, _changes = lines.opened(path.read_bytes(), str(path))
    try:
        facts = (document["made"], document["feed"], document["counts"], document.get("reverts", ""))
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: not a plan of this program ({error})", "remove it") from error
    return PlanHead(path.stem, *facts)


def load(name: str, folder: Path = FOLDER) -> changes.Plan:
    """The plan of an id, or of a file of this host. Raises InputError."""
    path = folder / f"{name}.json" if is_ident(name) else Path(name)
    try:
        with path.open("rb") as file:
            content = file.read(changes.MOST_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"no plan {name} on the directory's host ({error.strerror})", "`malleposte accounts plan` tells its id"
        ) from error
    if len(content) > changes.MOST_BYTES:
        raise InputError(f"{path}: more than {changes.MOST_BYTES >> 20} MB; no plan is that large")
    return lines.parse(content, str(path))
