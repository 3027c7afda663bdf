"""Everything of a lost host back onto a new one that `deploy` has made: directory, databases, files, mail.

Each step that ended is noted, so that a second run goes on where the first stopped. Dovecot is stopped meanwhile:
agents find no half box, and mail waits in the queue of Postfix or of its sender. A box that is there already (the run
was not on a new host, or mail came in between) is put aside, and what only it has is added.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from malleposte.errors import InputError, MallepostError

from . import restore_box as boxes
from . import restore_maildir as maildir
from . import restore_swap as swap
from .borg import BorgError
from .restore_model import STAMP, Copy, Outcome

SKIPPED = ("/etc", "/var/spool/postfix", "/srv/mail")
"""Written by `deploy`; a queue whose mail has gone since; buckets, which have sources of their own."""
FILLED = ("/var/lib/rspamd/dkim",)
"""Only what is missing is put there: `deploy` has written what counts today."""
UNITS = {
    "/var/lib/valkey": "valkey-server.service",
    "/var/lib/radicale": "radicale.service",
    "/var/lib/rspamd": "rspamd",
}
STORE = Path("/srv/mail")


class Host(Protocol):
    """What a whole restore asks of a host besides files."""

    def directory(self) -> Outcome:
        """Restore the directory."""

    def accounts(self) -> int:
        """How many accounts the directory of today has."""

    def databases(self) -> list[str]:
        """Databases that the archives hold."""

    def database(self, name: str) -> Outcome:
        """Restore a database."""

    def unit(self, verb: str, name: str) -> None:
        """`systemctl verb name`; nothing where the unit is not there. Raises MallepostError when it fails."""

    def reopened(self, homes: Sequence[Path]) -> None:
        """The mail is open again: let Dovecot count on where clients remember it."""


class All(Protocol):
    """The archives of the host."""

    def latest(self, source: str) -> Copy:
        """Newest archive of a source."""

    def extract(self, copy: Copy, paths: Sequence[str], destination: Path) -> None:
        """Put out paths, or everything."""


@dataclass
class State:
    """What is done already, kept on disk. Another vault or date begins anew."""

    path: Path
    key: str
    done: dict[str, dict[str, int]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path, key: str) -> State:
        """The state of an interrupted run for the same archives; a new one otherwise."""
        if path.exists():
            found = json.loads(path.read_text("utf-8"))
            if found["key"] == key:
                return cls(path, key, found["done"])
        return cls(path, key)

    def mark(self, step: str, counts: dict[str, int]) -> None:
        """Note a step as done."""
        self.done[step] = counts
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps({"key": self.key, "done": self.done}), "utf-8")
        fresh.replace(self.path)


@dataclass(frozen=True)
class Plan:
    """What there is to do. `mail` and `dumps` are names of sources; `paths` lie in the source `system`."""

    paths: tuple[str, ...]
    mail: tuple[str, ...]
    dumps: tuple[str, ...]
    parallel: int = 2


def restore(
    plan: Plan,
    archives: All,
    host: Host,
    work: Path,
    *,
    key: str,
    sure: bool = False,
    store: Path = STORE,
    say: Callable[[str], None] = print,
) -> Outcome:
    """Everything, in the order in which services need each other. Raises InputError on a host in use, unless `sure`."""
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    state, begun = State.load(work / "all.json", key), time.monotonic()
    if not state.done and not sure and (present := host.accounts()):
        raise InputError(
            f"the directory of this host has {present} accounts: it is no new host", "with --yes it is replaced"
        )
    if state.done:
        say(f"going on after {len(state.done)} steps of an earlier run")
    outcome = Outcome("everything")

    def step(name: str, act: Callable[[], dict[str, int]]) -> None:
        if name not in state.done:
            started = time.monotonic()
            state.mark(name, act())
            say(f"{name}: {_counted(state.done[name])} in {time.monotonic() - started:.1f} s")
        for what, number in state.done[name].items():
            outcome.counts[what] = outcome.counts.get(what, 0) + number

    host.unit("stop", "dovecot.service")
    try:
        if "ldap" in plan.dumps:
            step("directory", lambda: _noted(host.directory(), outcome))
        for name in host.databases():
            step(f"database {name}", lambda name=name: {"databases": 1, **host.database(name).counts})  # type: ignore[misc]
        for path in plan.paths:
            step(f"files {path}", lambda path=path: _files(path, archives, host))  # type: ignore[misc]
        _mail(plan, archives, store, state, step, outcome, say)
    finally:
        host.unit("start", "dovecot.service")
    step("clients", lambda: _reopened(host, store))
    outcome.seconds = time.monotonic() - begun
    state.path.unlink()
    shutil.rmtree(store / ".malleposte-restore", ignore_errors=True)
    return outcome


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {what}" for what, number in counts.items()) or "done"


def _noted(done: Outcome, outcome: Outcome) -> dict[str, int]:
    outcome.notes += done.notes
    return done.counts


def _reopened(host: Host, store: Path) -> dict[str, int]:
    host.reopened(sorted(path for path in store.glob("[0-9a-f][0-9a-f]/*") if path.is_dir()))
    return {}


def _files(path: str, archives: All, host: Host) -> dict[str, int]:
    """One path of the source `system`: exchanged whole while its unit is stopped, or filled up."""
    target = Path(path)
    if not target.parent.is_dir():
        return {}
    fresh = target.parent / f".malleposte-restore-{target.name}"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    try:
        archives.extract(archives.latest("system"), [path], fresh)
        found = fresh / path.lstrip("/")
        if not found.exists():
            return {}
        number = sum(1 for one in found.rglob("*") if one.is_file())
        if path in FILLED or not found.is_dir():
            return {"files": _fill(found, target)}
        unit = next((unit for root, unit in UNITS.items() if path.startswith(root)), "")
        if unit:
            host.unit("stop", unit)
        if target.exists():
            swap.exchange(found, target)
        else:
            found.rename(target)
        if unit:
            host.unit("start", unit)
        return {"files": number}
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _fill(found: Path, target: Path) -> int:
    """Copy files that `target` has not."""
    added = 0
    for file in [found, *found.rglob("*")]:
        place = target / file.relative_to(found) if file != found else target
        if file.is_file() and not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            file.rename(place)
            added += 1
    return added


def _mail(
    plan: Plan,
    archives: All,
    store: Path,
    state: State,
    step: Callable[[str, Callable[[], dict[str, int]]], None],
    outcome: Outcome,
    say: Callable[[str], None],
) -> None:
    """The mail store, some shares at a time."""
    waiting = [name for name in plan.mail if f"mail {name}" not in state.done]
    ended, begun, guard = 0, time.monotonic(), threading.Lock()
    copies: dict[str, Copy | MallepostError] = {}
    for name in waiting:
        try:
            copies[name] = archives.latest(name)
        except BorgError as error:
            # Of a share without a mailbox no repository was ever made. What else a vault says ends the run.
            if not error.no_repository:
                raise
            copies[name] = error

    def share(name: str) -> None:
        nonlocal ended
        copy = copies[name]
        counts = {} if isinstance(copy, MallepostError) else _share(name, copy, archives, store)
        with guard:
            ended += 1
            step(f"mail {name}", lambda: counts)
            if isinstance(copy, MallepostError):
                outcome.notes.append(f"no box of {name}, where no repository was ever made: {copy}")
            left = (time.monotonic() - begun) / ended * (len(waiting) - ended)
            say(f"{ended} of {len(waiting)} shares of the mail, about {left:.0f} s left")

    with ThreadPoolExecutor(plan.parallel) as pool:
        for future in [pool.submit(share, name) for name in waiting]:
            future.result()
    for name in plan.mail:
        if name not in waiting:
            step(f"mail {name}", dict)


def _share(name: str, copy: Copy, archives: All, store: Path) -> dict[str, int]:
    """One share: extracted beside the store, then box after box into place."""
    area = store / ".malleposte-restore"
    area.mkdir(mode=0o700, exist_ok=True)
    area.chmod(0o700)
    fresh, noted = area / f"share-{name}", area / f"share-{name}.done"
    placed = set(noted.read_text("utf-8").split()) if noted.exists() else set()
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    archives.extract(copy, [], fresh)
    counts = {"boxes": 0, "messages": 0}
    with noted.open("a", encoding="utf-8") as notes:
        for extracted in sorted((fresh / str(store).lstrip("/")).glob("[0-9a-f][0-9a-f]/*")):
            if not extracted.is_dir():
                continue
            counts["boxes"] += 1
            counts["messages"] += sum(1 for _ in maildir.messages(extracted / "Maildir"))
            if extracted.name not in placed:
                _place(extracted, store)
                notes.write(f"{extracted.name}\n")
                notes.flush()
    shutil.rmtree(fresh)
    noted.unlink()
    return counts


def _place(extracted: Path, store: Path) -> None:
    """One extracted box into place; Dovecot is stopped."""
    box = boxes.Box(extracted.name, store / extracted.parent.name / extracted.name)
    boxes.clean(extracted)
    box.open()
    if box.released:
        box.finish(datetime.now().strftime(STAMP), discard=False)
        box.open()
    shutil.rmtree(box.tree, ignore_errors=True)
    extracted.rename(box.tree)
    box.hold()
    boxes.merge(box, keep_newer=True)
    box.release()
    box.finish(datetime.now().strftime(STAMP), discard=False)
