"""A whole mailbox back into place: identical to the archive, UIDs and all, and safe to interrupt at any moment.

Beside the buckets, out of Dovecot's reach and out of the archives: `.malleposte-restore/<uid>/`, where the box is
prepared, and `.malleposte-aside/<uid>/<date>/`, where the replaced one stays. All on the store's file system, so that a
box comes and goes by one rename. Where a run stands is read from the disk, never remembered:

1. `tree` is extracted, then cleaned (a note says of which archive, so that a second run does not extract again).
2. The box is exchanged for a directory that nobody enters (`old` is then the replaced box). Dovecot answers log-ins
   and deliveries with a temporary failure; Postfix keeps the mail.
3. Sessions end. What `old` has and the archive has not is added to `tree`, with its UIDs.
4. `tree` is exchanged into place; `old` goes aside.

All of it is done as the store's user (`owner`), and all of it is that user's.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from malleposte.backup.restore.kept import ASIDE, free
from malleposte.backup.restore.mail import maildir, swap, withheld
from malleposte.backup.restore.mail.dovecot import Dovecot
from malleposte.backup.restore.model import STAMP, Copy, Outcome
from malleposte.backup.restore.vault import Archives
from malleposte.core.errors import InputError, MallepostError
from malleposte.platform.mailstore import EXPUNGED, MAILDIR, SEALED
from malleposte.runtime import durable, owner

UNDO = "backup restore undo: "
UID_GAP = 10_000
"""Next UIDs jump by this where the replaced box is lost: what came after the archive had UIDs that clients remember."""


@dataclass(frozen=True)
class Options:
    """Options for the restore of a box."""

    keep_newer: bool = True
    """Add to it the messages that only the replaced box has."""
    discard: bool = False
    """Remove the replaced box instead of keeping it aside."""


class Box:
    """The paths of a box and of its restore. `store` is `<home>/../..`."""

    def __init__(self, uid: str, home: Path) -> None:
        self.uid, self.home = uid, home
        self.store = home.parent.parent
        self.work = self.store / ".malleposte-restore" / uid
        self.tree, self.old = self.work / "tree", self.work / "old"
        self.note, self.modseqs = self.work / "note", self.work / "modseqs.json"
        self.aside = self.store / ASIDE / uid

    def open(self) -> None:
        """Make the working directories, closed to all but the store's user."""
        for path in (self.work.parent, self.aside.parent):
            owner.hand_over(path)
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.work.mkdir(mode=0o700, exist_ok=True)

    @property
    def held(self) -> bool:
        """Whether a restore holds the box closed."""
        return swap.is_hold(self.home)

    def hold(self) -> None:
        """Put the box at `old` and close its place. A second call changes nothing."""
        if self.held:
            return
        if self.old.exists():
            # A run ended between the last exchange and its end.
            raise MallepostError(f"account {self.uid}: {self.old} is in the way", "run the same restore again")
        swap.make_hold(self.old)
        if self.home.exists():
            swap.exchange(self.home, self.old)
        else:
            self.home.parent.mkdir(mode=0o700, exist_ok=True)
            self.old.rename(self.home)

    def release(self) -> None:
        """Put `tree` into place."""
        swap.exchange(self.home, self.tree)

    def finish(self, stamp: str, *, discard: bool) -> Path | None:
        """After `release`: put the replaced box aside, clear the work; where it lies, None when there was none."""
        replaced = self.set_aside(stamp, discard=discard)
        swap.remove_hold(self.tree)
        shutil.rmtree(self.work)
        return replaced

    def set_aside(self, stamp: str, *, discard: bool = False) -> Path | None:
        """Put the box at `old` aside, or remove it; where it lies then, None when there was none."""
        if swap.is_hold(self.old):
            swap.remove_hold(self.old)
        if not self.old.exists(follow_symlinks=False):
            return None
        if discard:
            shutil.rmtree(self.old)
            return None
        self.aside.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = free(self.aside / stamp)
        self.old.rename(place)
        return place

    def reopen(self) -> None:
        """Undo `hold`: the box as it was is back in its place."""
        swap.exchange(self.home, self.old)
        swap.remove_hold(self.old)
        shutil.rmtree(self.work)

    @property
    def released(self) -> bool:
        """Whether a run put the box into place and ended before it cleared its work."""
        return swap.is_hold(self.tree) and not self.held


def restore(
    uid: str, source: Archives, dovecot: Dovecot, options: Options | None = None, say: Callable[[str], None] = print
) -> Outcome:
    """The box of `uid` as the archive has it. Run again after an interruption, it ends in the same place."""
    box = Box(uid, dovecot.home(uid))
    with owner.as_owner(box.home):
        chosen = options or Options()
        uid, begun = box.uid, time.monotonic()
        box.open()
        copy = source.find(str(box.home))
        stamp = datetime.now().strftime(STAMP)
        counts = {}
        if not box.released:
            _extract(box, source, copy, say)
            if counters := dovecot.modseqs(uid):
                durable.write(box.modseqs, json.dumps(counters))
            say("closing the box: deliveries wait, sessions end")
            box.hold()
            dovecot.end_sessions(uid)
            counts = merge(box, keep_newer=chosen.keep_newer)
            box.release()
        modseqs = json.loads(box.modseqs.read_text("utf-8")) if box.modseqs.exists() else {}
        replaced = box.finish(stamp, discard=chosen.discard)
        dovecot.renew(uid, modseqs)
        total = dovecot.count(uid)
        outcome = Outcome(f"mailbox {uid}", copy, {"messages": total, **counts}, seconds=time.monotonic() - begun)
        if replaced:
            outcome.aside = str(replaced)
            outcome.undo = f"malleposte backup restore undo {uid} {replaced.name}"
        return outcome


def undo(uid: str, stamp: str, dovecot: Dovecot) -> Outcome:
    """Exchange a box for one that a restore put aside; the one in place goes aside in turn. Nothing is merged.

    Without `stamp`: a restore that was interrupted while it held the box is given up, and the box opened as it was.
    """
    box = Box(uid, dovecot.home(uid))
    with owner.as_owner(box.home):
        uid, begun, replaced = box.uid, time.monotonic(), None
        box.open()
        if stamp:
            replaced = _bring_back(box, stamp, dovecot)
        elif box.held and box.old.is_dir():
            box.reopen()
        else:
            raise InputError(
                f"account {uid}: no restore holds its box", f"to undo one that ended, name it: {_stamps(box)}"
            )
        dovecot.renew(uid, {})
        outcome = Outcome(f"mailbox {uid}", counts={"messages": dovecot.count(uid)}, seconds=time.monotonic() - begun)
        if replaced:
            outcome.aside, outcome.undo = str(replaced), f"malleposte backup restore undo {uid} {replaced.name}"
        return outcome


def _stamps(box: Box) -> str:
    return ", ".join(sorted(path.name for path in box.aside.glob("*"))) or "none is kept"


def _bring_back(box: Box, stamp: str, dovecot: Dovecot) -> Path | None:
    """Put what lies aside under `stamp` into place; where the replaced box went."""
    earlier, note = box.aside / stamp, f"{UNDO}{stamp}"
    again = box.note.exists() and box.note.read_text("utf-8") == note
    if not again:
        if "/" in stamp or stamp.startswith(".") or not earlier.is_dir():
            raise InputError(f"account {box.uid}: nothing was put aside as {stamp}", f"known: {_stamps(box)}")
        if box.held:
            raise MallepostError(f"account {box.uid}: a restore holds its box", "run that one again first")
        _remove(box.tree)
        durable.write(box.note, note)
    if not box.released:
        if earlier.is_dir():
            earlier.rename(box.tree)
        box.hold()
        dovecot.end_sessions(box.uid)
        withhold(box)
        box.release()
    return box.finish(datetime.now().strftime(STAMP), discard=False)


def _extract(box: Box, source: Archives, copy: Copy, say: Callable[[str], None]) -> None:
    """Prepare `tree`, unless an earlier run has done so from the same archive."""
    name = f"{copy.vault} {copy.archive}"
    noted = box.note.read_text("utf-8") if box.note.exists() else ""
    if noted.startswith(UNDO):
        raise MallepostError(f"account {box.uid}: an undo was interrupted", f"run it again: {noted}")
    if noted == name and box.tree.is_dir():
        say("already extracted by an earlier run")
        return
    box.note.unlink(missing_ok=True)
    _remove(box.tree)
    fresh = box.work / "extract"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    say(f"extracting from {copy}")
    source.extract(copy, [str(box.home)], fresh)
    extracted = fresh / str(box.home).lstrip("/")
    if not extracted.is_dir():
        raise InputError(
            f"account {box.uid}: nothing of it in {copy}", "try another --as-of: backup list shows the dates"
        )
    clean(extracted)
    extracted.rename(box.tree)
    shutil.rmtree(fresh)
    durable.write(box.note, name)


def _remove(path: Path) -> None:
    if swap.is_hold(path):
        swap.remove_hold(path)
    else:
        shutil.rmtree(path, ignore_errors=True)


def clean(home: Path) -> None:
    """A box as extracted, made fit to be put into place: no indexes, no doubles, closed to others."""
    maildir.drop_doubles(home / MAILDIR)
    for folder, names, leaves in os.walk(home, topdown=True):
        here = Path(folder)
        for name in [name for name in names if name.startswith(maildir.LEFT_OUT)]:
            shutil.rmtree(here / name)
            names.remove(name)
        for leaf in leaves:
            if leaf.startswith(maildir.LEFT_OUT):
                (here / leaf).unlink()
            elif not (here / leaf).is_symlink():
                (here / leaf).chmod(0o600)
        here.chmod(0o700)
    for path in maildir.folders(home / MAILDIR).values():
        for part in ("cur", "new", "tmp"):
            (path / part).mkdir(mode=0o700, exist_ok=True)


def merge(box: Box, *, keep_newer: bool) -> dict[str, int]:
    """Add to `tree` what `old` has and the archive has not, with flags, keywords, dates and UIDs.

    Next UIDs never go back. What is sealed in `old` stays sealed. May be done again at any point: what a first run
    linked is found linked.
    """
    new, old = box.tree / MAILDIR, box.old / MAILDIR
    lost = not old.is_dir()
    withhold(box)
    archived = {message.base for message in maildir.messages(new)}
    newer = [] if lost or not keep_newer else _newer(new, old, archived)
    by_folder: dict[str, list[maildir.Message]] = {}
    for message in newer:
        by_folder.setdefault(message.folder, []).append(message)
    for name in {**maildir.folders(new), **dict.fromkeys(by_folder)}:
        here, there = maildir.folder_path(new, name), maildir.folder_path(old, name)
        if not here.is_dir():
            _make_folder(here, there)
        _link(here, there, by_folder.get(name, []))
        bases = {maildir.split(file.name)[0] for file in maildir.files(here)}
        merged = maildir.merge_uidlists(
            maildir.read_uidlist(here), maildir.read_uidlist(there), bases, gap=UID_GAP if lost else 0
        )
        if merged.validity:
            maildir.write_uidlist(here, merged)
    return {"newer kept": len(newer)}


def withhold(box: Box) -> None:
    """Give `tree` the sealed messages of `old`, not its own, and remove from its folders what the owner may not get.

    Of a box that was lost, the archive's own sealed messages stay.
    """
    if (box.old / MAILDIR).is_dir():
        sealed = box.tree / SEALED
        if sealed.is_dir():
            shutil.rmtree(sealed)
        if (box.old / SEALED).is_dir():
            shutil.copytree(box.old / SEALED, sealed, copy_function=os.link)
    for folder in (MAILDIR, EXPUNGED):
        for message in list(withheld.of(maildir.messages(box.tree / folder), box.old)):
            message.path.unlink()


def _newer(new: Path, old: Path, bases: set[str]) -> list[maildir.Message]:
    """Messages of `old` that are not in `new`, neither by name nor by content (moved since, under another name)."""
    sizes: dict[int | None, list[maildir.Message]] = {}
    for message in maildir.messages(new):
        sizes.setdefault(message.size, []).append(message)
    newer = []
    for message in maildir.messages(old):
        if message.base in bases:
            continue
        alike = sizes.get(message.size, [])
        if not alike or message.digest() not in {other.digest() for other in alike}:
            newer.append(message)
    return newer


def _make_folder(here: Path, there: Path) -> None:
    """A folder made after the archive: its own lists, no message yet."""
    here.mkdir(mode=0o700)
    for part in ("cur", "new", "tmp"):
        (here / part).mkdir(mode=0o700)
    for leaf in ("maildirfolder", "dovecot-acl", maildir.KEYWORDS):
        if owner.plain(there / leaf):
            shutil.copy2(there / leaf, here / leaf)
            (here / leaf).chmod(0o600)


def _link(here: Path, there: Path, messages: list[maildir.Message]) -> None:
    """Link messages of `there` into `here`, keywords in this folder's letters."""
    target, source = maildir.read_keywords(here), maildir.read_keywords(there)
    before = list(target)
    names = {message: maildir.translate(message.flags, source, target) for message in messages}
    if target != before:
        maildir.write_keywords(here, target)
    for message, flags in names.items():
        part = message.path.parent.name
        name = f"{message.base}:2,{flags}" if flags or part == "cur" else message.base
        if not (here / part / name).exists():
            os.link(message.path, here / part / name)
