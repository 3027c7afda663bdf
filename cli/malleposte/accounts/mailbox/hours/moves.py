"""Messages that are due, found without opening the box, and moved to the inbox by doveadm, many boxes a process.

In order of arrival: doveadm takes them by their number in the folder. Flags, dates and GUIDs are the message's own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import batched
from pathlib import Path

from malleposte.accounts.channels import checked
from malleposte.accounts.mailbox.hours import broken_moves, recall
from malleposte.accounts.mailbox.hours.due import WAITS, Due
from malleposte.accounts.mailbox.hours.messages import INBOX, Row, Run, fetch
from malleposte.adapters.dovecot import doveadm, unserved, user_file
from malleposte.platform.mailstore import MAILDIR, STORE, WAITING, home_of
from malleposte.runtime import owner

AT_ONCE = 50
"""Boxes of one process."""
MOST = 200
"""Messages of a box that move at once: more move some at a time, after those of everybody else."""
SECONDS = 300.0
SEEN, MARKED = "\\Seen", "\\Flagged"
_FILED = re.compile(r"[0-9]{1,12}(?=\.)")


@dataclass(frozen=True)
class Box:
    """A box with mail that is due: how many messages, and which."""

    uid: str
    count: int
    due: Due = WAITS


def waiting(uid: str, root: Path, due: Due = WAITS) -> Box | None:
    """The box of an agent, where mail is due; by the names of its files, which begin with the second of filing."""
    folder = home_of(uid, root) / MAILDIR / f".{due.folder.replace('/', '.')}"
    with owner.as_owner(root):
        names = [name for part in ("new", "cur") for name in _names(folder / part)]
    if due.before:
        names = [name for name in names if _before(name, due.before)]
    return Box(uid, len(names), due) if names else None


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]
    except FileNotFoundError:
        return []


def _before(name: str, second: int) -> bool:
    """Whether a message was filed before a second, by the name of its file, which flags do not change.

    Dovecot's own date of filing is that of the file's last change where no index has it.
    """
    filed = _FILED.match(name)
    return filed is not None and int(filed[0]) < second


def batches(boxes: Sequence[Box]) -> Iterator[list[Box]]:
    """Boxes that one process moves: many with few messages first, then each that is larger or not wholly meant."""
    plain = dict[Due, list[Box]]()
    for one in boxes:
        if _together(one):
            plain.setdefault(one.due, []).append(one)
    for same in plain.values():
        yield from map(list, batched(same, AT_ONCE, strict=False))
    yield from ([one] for one in boxes if not _together(one))


def _together(box: Box) -> bool:
    return box.count <= MOST and not box.due.before


def move(boxes: Sequence[Box], run: Run = doveadm) -> list[str]:
    """Move what is due, of one folder; the uids of boxes of which it is not sure. Raises MallepostError.

    Boxes that could not be opened are told by doveadm with their users' names, in the lines of errors.
    """
    if not boxes:
        return []
    if not _together(boxes[0]):
        return _some(boxes[0], run)
    with user_file(checked(one.uid) for one in boxes) as path:
        words = ("move", "-F", path, "--", INBOX, "mailbox", boxes[0].due.folder, "ALL")
        done = run(*words, check=False, timeout=SECONDS)
        recount(("-F", path), run)
    return unserved([one.uid for one in boxes], done)


def _some(box: Box, run: Run) -> list[str]:
    """Move the first messages of a box that are meant. What is recalled is made unread and marked first."""
    due, fields = box.due, "uid storageid flags" if box.due.recalled else "uid storageid"
    rows = [
        row for row in fetch(box.uid, fields, due.folder, run=run)
        if not due.before or _before(row["storageid"], due.before)
    ]  # fmt: skip
    rows = sorted(rows, key=lambda row: int(row["uid"]))[:MOST]
    steps: list[tuple[tuple[str, ...], list[Row]]] = [(("move", INBOX), rows)]
    if due.recalled:
        seen, plain = [row for row in rows if SEEN in row["flags"]], [row for row in rows if MARKED not in row["flags"]]
        steps = [(("flags", "remove", SEEN), seen), (("flags", "add", MARKED), plain), *steps]
    for (*act, what), meant in steps:
        if meant:
            numbers = ",".join(row["uid"] for row in meant)
            words = (*act, "-u", checked(box.uid), "--", what, "mailbox", due.folder, "UID", numbers)
            if run(*words, check=False, timeout=SECONDS).returncode:
                return [box.uid]
    if rows:
        recount(("-u", checked(box.uid)), run)
    return []


def recount(whose: tuple[str, str], run: Run = doveadm) -> None:
    """Count the quota of boxes anew.

    Dovecot (2.4.1) takes what moves within a box from the sum, and does not add it. Where this fails, the sum is too
    small until the next time.
    """
    run("quota", "recalc", *whose, check=False, timeout=SECONDS)


def settle(uid: str, run: Run = doveadm, root: Path = STORE) -> None:
    """End the moves to the inbox that were broken off. Raises MallepostError."""
    for folder in (WAITING, *recall.folders()):
        broken_moves.mend(uid, folder, INBOX, run, root=root)
