"""Messages of « Hors horaires », found without opening the box, and moved by doveadm, many boxes a process.

In order of arrival: doveadm takes them by their number in the folder. Flags, dates and GUIDs are the message's own.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from malleposte.accounts.channels import checked
from malleposte.adapters.dovecot import doveadm
from malleposte.platform.mailstore import MAILDIR, WAITING, home_of
from malleposte.runtime import owner

AT_ONCE = 50
"""Boxes of one process."""
MOST = 200
"""Messages of a box that move at once: more move some at a time, after those of everybody else."""
SECONDS = 300.0
PARTLY = 75
"""EX_TEMPFAIL: a box of several could not be opened."""
MISSING = 68
"""EX_NOHOST: the folder is not there."""
_FILED = re.compile(r"[0-9]{1,12}(?=\.)")

Run = Callable[..., Any]
"""`doveadm`, or a test's."""


@dataclass(frozen=True)
class Box:
    """A box with mail that is due: how many messages wait; those filed before `before` are meant (0: all)."""

    uid: str
    count: int
    before: int = 0


def waiting(uid: str, root: Path, before: int = 0) -> Box | None:
    """The box of an agent, where mail is due; by the names of its files, which begin with the second of filing."""
    folder = home_of(uid, root) / MAILDIR / f".{WAITING}"
    with owner.as_owner(root):
        names = [name for part in ("new", "cur") for name in _names(folder / part)]
    if before:
        names = [name for name in names if _before(name, before)]
    return Box(uid, len(names), before) if names else None


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]
    except FileNotFoundError:
        return []


def _before(name: str, second: int) -> bool:
    """Whether a message was filed before a second; its GUID is the name of its file, as Dovecot gives it."""
    filed = _FILED.match(name)
    return filed is not None and int(filed[0]) < second


def batches(boxes: Sequence[Box]) -> Iterator[list[Box]]:
    """Boxes that one process moves: many with few messages first, then each that is larger or not wholly meant."""
    plain = [one for one in boxes if one.count <= MOST and not one.before]
    for begin in range(0, len(plain), AT_ONCE):
        yield plain[begin : begin + AT_ONCE]
    yield from ([one] for one in boxes if one.count > MOST or one.before)


def move(boxes: Sequence[Box], run: Run = doveadm) -> list[str]:
    """Move what is due; the uids of boxes of which it is not sure. Raises MallepostError.

    Boxes that could not be opened are told by doveadm with their users' names, in the lines of errors.
    """
    if not boxes:
        return []
    if len(boxes) == 1 and (boxes[0].before or boxes[0].count > MOST):
        return _some(boxes[0], run)
    with tempfile.NamedTemporaryFile("w", prefix="hours-", encoding="utf-8") as file:
        file.writelines(f"{checked(one.uid)}\n" for one in boxes)
        file.flush()
        words = ("move", "-F", file.name, "--", "INBOX", "mailbox", WAITING, "ALL")
        done = run(*words, check=False, timeout=SECONDS)
    if not done.returncode:
        return []
    return [one.uid for one in boxes if f"({one.uid})" in done.stderr] or [one.uid for one in boxes]


def _some(box: Box, run: Run) -> list[str]:
    """Move the first messages of a box that are meant."""
    rows = _rows(box.uid, "uid guid", WAITING, run)
    numbers = sorted(int(row["uid"]) for row in rows if not box.before or _before(row["guid"], box.before))[:MOST]
    if not numbers:
        return []
    words = ("move", "-u", checked(box.uid), "--", "INBOX", "mailbox", WAITING, "UID", ",".join(map(str, numbers)))
    done = run(*words, check=False, timeout=SECONDS)
    return [box.uid] if done.returncode else []


def settle(uid: str, run: Run = doveadm) -> None:
    """Remove from « Hors horaires » what came to the inbox already, when a move was broken off.

    Raises MallepostError.
    """
    there = {row["guid"]: str(row["uid"]) for row in _rows(uid, "uid guid", WAITING, run)}
    if not there:
        return
    came = {row["guid"] for row in _rows(uid, "guid", "INBOX", run)}
    if twice := sorted((there[guid] for guid in there.keys() & came), key=int):
        run("expunge", "-u", checked(uid), "--", "mailbox", WAITING, "UID", ",".join(twice), timeout=SECONDS)


def _rows(uid: str, fields: str, folder: str, run: Run) -> list[dict[str, str]]:
    words = ("-f", "json", "fetch", "-u", checked(uid), "--", fields, "mailbox", folder, "ALL")
    return list(json.loads(run(*words, also=(MISSING,), timeout=SECONDS).stdout or "[]"))
