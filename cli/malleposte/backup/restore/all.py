"""Everything of a lost host back onto a new one that `deploy` has made: directory, databases, files, mail.

Each step that ended is noted, so that a second run goes on where the first stopped. Dovecot is stopped meanwhile:
agents find no half box, and mail waits in the queue of Postfix or of its sender. A box that is there already (the run
was not on a new host, or mail came in between) is put aside, and what only it has is added. Whatever is replaced is
kept under the date of the run (`restore_kept`), so there must be room for both.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from malleposte.backup.archive.archives import NoArchiveError
from malleposte.backup.archive.run import size
from malleposte.backup.restore import kept
from malleposte.backup.restore.host import ThisHost
from malleposte.backup.restore.mail import box as boxes
from malleposte.backup.restore.mail import maildir, swap
from malleposte.backup.restore.model import STAMP, Copy, Outcome
from malleposte.backup.restore.vault import DATABASE, Archives
from malleposte.core.errors import InputError
from malleposte.platform.mailstore import MAILDIR, STORE
from malleposte.platform.times import local
from malleposte.runtime import durable, kit, owner

SKIPPED = ("/etc", "/var/spool/postfix", str(STORE))
"""Written by `deploy`; a queue whose mail has gone since; buckets, which have sources of their own."""
FILLED = ("/var/lib/malleposte-circulars/withdrawn", "/var/lib/rspamd/dkim")
"""Only what is missing is put there: today's counts, be it of `deploy` or of a retraction since the archive."""
COMMON = "system"
STATE = "all.json"


@dataclass
class State:
    """The steps already done, kept on disk. Another backup server or date begins anew.

    `stamp` dates what is replaced. `begun` (UTC, ISO 8601): archives made later may be of the half restored host.
    """

    path: Path
    key: str
    stamp: str
    done: dict[str, dict[str, int]] = field(default_factory=dict)
    begun: str = ""

    @classmethod
    def load(cls, path: Path, key: str) -> State:
        """The state of an interrupted run for the same archives; a new one otherwise."""
        fresh = cls(path, key, datetime.now().strftime(STAMP), begun=datetime.now(UTC).isoformat(timespec="seconds"))

        def parsed(text: str) -> State:
            document = json.loads(text)
            if document["key"] == key and "begun" in document:
                return cls(path, key, document["stamp"], document["done"], document["begun"])
            return fresh

        return kit.state(path, parsed) or fresh

    def mark(self, step: str, counts: dict[str, int]) -> None:
        """Note a step as done."""
        self.done[step] = counts
        document = {"key": self.key, "stamp": self.stamp, "begun": self.begun, "done": self.done}
        durable.write(self.path, json.dumps(document))


def begun(work: Path, key: str) -> datetime | None:
    """The time at which an interrupted run for the same archives began; None without one."""
    state = State.load(work / STATE, key)
    return datetime.fromisoformat(state.begun) if state.done else None


@dataclass(frozen=True)
class Plan:
    """The steps to take. `mail` and `dumps` are names of sources; `paths` lie in the source `system`.

    `units` says which units use a path: they are stopped while it is exchanged. `stop` are stopped meanwhile.
    `written` are dumps that no restore loads, since `deploy` writes what they hold.
    """

    paths: tuple[str, ...]
    mail: tuple[str, ...]
    dumps: tuple[str, ...]
    parallel: int = 2
    units: Mapping[str, Sequence[str]] = field(default_factory=dict)
    stop: Sequence[str] = ()
    written: tuple[str, ...] = ()


@dataclass
class Copies:
    """The archives that a run uses: of each share of the mail, or none where no vault has one, and of the files."""

    mail: dict[str, Copy | None] = field(default_factory=dict)
    files: Copy | None = None
    dumps: dict[str, Copy] = field(default_factory=dict)

    @property
    def copies(self) -> list[Copy]:
        """All of them."""
        return [copy for copy in (*self.dumps.values(), self.files, *self.mail.values()) if copy]

    @property
    def empty(self) -> list[str]:
        """Shares of the mail that no vault has an archive of."""
        return [name for name, copy in self.mail.items() if copy is None]


def look(plan: Plan, databases: Sequence[str], archives: Archives, say: Callable[[str], None] = print) -> Copies:
    """The archives of a plan and of those databases, each told as it is looked up.

    A share in which no mailbox ever was has none; all else must be there. Raises NoArchiveError when there are no
    files or a dump is missing, MallepostError when no vault could be read.
    """
    copies = Copies()
    files = [COMMON] if plan.paths else []
    archived = [*plan.mail, *files, *plan.dumps, *(f"{DATABASE}{name}" for name in databases)]
    for number, name in enumerate(archived, 1):
        try:
            copy = archives.latest(name)
        except NoArchiveError:
            if name not in plan.mail:
                raise
            copies.mail[name] = None
            say(f"{number} of {len(archived)}: no archive of {name}")
            continue
        say(f"{number} of {len(archived)}: {copy}")
        if name in plan.mail:
            copies.mail[name] = copy
        elif name in files:
            copies.files = copy
        else:
            copies.dumps[name] = copy
    return copies


def unused(plan: Plan, archives: Archives) -> list[str]:
    """Notes on the archives that a restore leaves in the vault, each with its reason."""
    notes = []
    for name in plan.written:
        with contextlib.suppress(NoArchiveError):
            notes.append(f"stays in the vault, since `deploy` writes what it holds: {archives.latest(name)}")
    return notes


def without_archive(plan: Plan, copies: Copies) -> list[str]:
    """A note on the shares of the mail that no vault has an archive of; none where each has one."""
    if not copies.empty:
        return []
    return [
        f"{len(copies.empty)} of {len(plan.mail)} shares of the mail have no archive, as those have in which no "
        f"mailbox ever was: {', '.join(copies.empty)}"
    ]


def demand_room(archived: Copies, archives: Archives, host: ThisHost, store: Path) -> None:
    """Raises InputError where a file system has no room for what comes back beside what is replaced."""
    needs: dict[int, tuple[Path, int, int]] = {}
    copies = [(store, copy) for copy in archived.mail.values() if copy]
    copies += [(Path("/var/lib"), copy) for copy in (archived.files, *archived.dumps.values()) if copy]
    for place, copy in copies:
        device, free = host.room(place)
        _place, before, _free = needs.get(device, (place, 0, 0))
        needs[device] = (place, before + archives.size(copy), free)
    for place, needed, free in needs.values():
        if needed > free:
            raise InputError(
                f"{place}: what comes back takes {size(needed)}, and {size(free)} are free; what is replaced is kept",
                "make room: `malleposte backup kept` shows what earlier restores replaced",
            )


def restore(
    plan: Plan,
    archives: Archives,
    host: ThisHost,
    work: Path,
    *,
    key: str,
    sure: bool = False,
    store: Path = STORE,
    say: Callable[[str], None] = print,
) -> Outcome:
    """Everything, in the order in which services need each other. Raises InputError on a host in use, unless `sure`."""
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    state, begun = State.load(work / STATE, key), time.monotonic()
    if not state.done and not sure and (present := host.in_use()):
        raise InputError(
            f"this is no new host: it has {', '.join(present)}", "with --yes they are replaced, and kept aside"
        )
    databases = host.databases()
    copies = look(plan, databases, archives, say)
    if state.done:
        say(
            f"going on after {len(state.done)} steps of the run of {local(state.begun)}, with archives of before it; "
            f"to begin anew, remove {state.path}"
        )
    else:
        demand_room(copies, archives, host, store)
    outcome = Outcome("everything")

    def step(name: str, act: Callable[[], dict[str, int]]) -> None:
        if name not in state.done:
            started = time.monotonic()
            state.mark(name, act())
            say(f"{name}: {_counted(state.done[name])} in {time.monotonic() - started:.1f} s")
        for what, number in state.done[name].items():
            outcome.counts[what] = outcome.counts.get(what, 0) + number

    with host.paused(plan.stop):
        if "ldap" in plan.dumps:
            step("directory", lambda: _noted(host.directory(), outcome))
        for name in databases:
            step(f"database {name}", lambda name=name: {"databases": 1, **_noted(host.database(name), outcome)})  # type: ignore[misc]
        for path in plan.paths:
            step(f"files {path}", lambda path=path: _files(path, copies, archives, host, plan, state.stamp))  # type: ignore[misc]
        _mail(plan, copies, archives, store, state, step, say)
    step("clients", lambda: _reopened(host, store))
    outcome.notes += host.notes
    outcome.notes += without_archive(plan, copies)
    outcome.notes.append("what was replaced is kept: malleposte backup kept")
    outcome.seconds = time.monotonic() - begun
    state.path.unlink()
    _tidy(store)
    return outcome


def _tidy(store: Path) -> None:
    """Remove the run's own area. What an interrupted restore of one box left there may be the only copy of it."""
    with owner.as_owner(store):
        area = store / ".malleposte-restore"
        for one in area.glob("share-*") if owner.folder(area) else []:
            shutil.rmtree(one, ignore_errors=True)
        with contextlib.suppress(OSError):
            area.rmdir()


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {what}" for what, number in counts.items()) or "done"


def _noted(done: Outcome, outcome: Outcome) -> dict[str, int]:
    outcome.notes += done.notes
    outcome.missing += done.missing
    return done.counts


def _reopened(host: ThisHost, store: Path) -> dict[str, int]:
    with owner.as_owner(store):
        homes = sorted(path for path in store.glob("[0-9a-f][0-9a-f]/*") if owner.folder(path))
    host.reopened(homes)
    return {}


def _files(path: str, copies: Copies, archives: Archives, host: ThisHost, plan: Plan, stamp: str) -> dict[str, int]:
    """One path of the source `system`: exchanged whole while its units are stopped, or filled up."""
    target = Path(path)
    if not target.parent.is_dir() or copies.files is None:
        return {}
    filled = path in FILLED
    # Files in a daemon's folder belong to the daemon; those of `deploy` belong to root, unpacked out of its reach.
    above = next(one for one in target.parents if not filled or owner.of(one) == (0, 0))
    with owner.as_owner(above):
        fresh = above / f".malleposte-restore-{target.name}"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        try:
            archives.extract(copies.files, [path], fresh)
            extracted = fresh / path.lstrip("/")
            if not extracted.exists(follow_symlinks=False):
                return {}
            number = 1 if owner.plain(extracted) else sum(1 for one in extracted.rglob("*") if owner.plain(one))
            if filled and owner.folder(extracted):
                return {"files": _fill(extracted, target)}
            with host.paused(plan.units.get(path, ())):
                _exchange(extracted, target, stamp)
            return {"files": number}
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


def _exchange(fresh: Path, target: Path, stamp: str) -> None:
    """Put `fresh` at `target`, and keep what was there."""
    if not target.exists(follow_symlinks=False):
        fresh.rename(target)
        return
    swap.exchange(fresh, target)
    fresh.rename(kept.place(target, stamp))


def _fill(source: Path, target: Path) -> int:
    """Move the files of a folder that `target` has not into it."""
    if not target.exists(follow_symlinks=False):
        source.rename(target)
        return sum(1 for one in target.iterdir() if owner.plain(one))
    return owner.fill(target, source)


def _mail(
    plan: Plan,
    copies: Copies,
    archives: Archives,
    store: Path,
    state: State,
    step: Callable[[str, Callable[[], dict[str, int]]], None],
    say: Callable[[str], None],
) -> None:
    """The mail store, some shares at a time."""
    waiting = [name for name in plan.mail if f"mail {name}" not in state.done]
    ended, begun, guard = 0, time.monotonic(), threading.Lock()

    def share(name: str) -> None:
        nonlocal ended
        copy = copies.mail[name]
        counts = {} if copy is None else _share(name, copy, archives, store, state.stamp)
        with guard:
            ended += 1
            step(f"mail {name}", lambda: counts)
            left = (time.monotonic() - begun) / ended * (len(waiting) - ended)
            say(f"{ended} of {len(waiting)} shares of the mail, about {left:.0f} s left")

    with ThreadPoolExecutor(plan.parallel) as pool:
        for future in [pool.submit(share, name) for name in waiting]:
            future.result()
    for name in plan.mail:
        if name not in waiting:
            step(f"mail {name}", dict)


def _share(name: str, copy: Copy, archives: Archives, store: Path, stamp: str) -> dict[str, int]:
    """One share, as the store's user: extracted beside the store, then box after box into place."""
    with owner.as_owner(store):
        area = store / ".malleposte-restore"
        owner.hand_over(area)
        area.mkdir(mode=0o700, exist_ok=True)
        fresh, noted = area / f"share-{name}", area / f"share-{name}.done"
        placed = set(owner.read(noted).decode().split()) if owner.plain(noted) else set()
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        archives.extract(copy, [], fresh)
        counts = {"boxes": 0, "messages": 0}
        with noted.open("a", encoding="utf-8") as notes:
            for extracted in sorted((fresh / str(store).lstrip("/")).glob("[0-9a-f][0-9a-f]/*")):
                if not owner.folder(extracted):
                    continue
                counts["boxes"] += 1
                counts["messages"] += sum(1 for _ in maildir.messages(extracted / MAILDIR))
                if extracted.name not in placed:
                    put_in_place(extracted, store, stamp)
                    notes.write(f"{extracted.name}\n")
                    notes.flush()
        shutil.rmtree(fresh)
        noted.unlink()
        return counts


def put_in_place(extracted: Path, store: Path, stamp: str) -> None:
    """One extracted box into place; Dovecot is stopped."""
    box = boxes.Box(extracted.name, store / extracted.parent.name / extracted.name)
    boxes.clean(extracted)
    box.open()
    if box.released:
        box.finish(stamp, discard=False)
        box.open()
    shutil.rmtree(box.tree, ignore_errors=True)
    extracted.rename(box.tree)
    if not box.held:
        box.set_aside(stamp)  # of a restore of this box alone that was interrupted, and its place removed since
    box.hold()
    boxes.merge(box, keep_newer=True)
    box.release()
    box.finish(stamp, discard=False)
