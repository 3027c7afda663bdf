"""Copies of a message in the boxes of this host: found, sealed and given back by doveadm, many boxes a process.

A message is known by its Message-ID together with the queue id in a `Received` that this platform wrote (RFC 5321,
4.4), each as a part of its field: a stranger can write one like it into a mail of his own, never into somebody else's.
What an agent deleted lies below `.EXPUNGED/`, which no search looks through unless it is named.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from malleposte.accounts.channels import checked
from malleposte.adapters.dovecot import ENDED, doveadm, unserved, user_file
from malleposte.core.errors import MallepostError
from malleposte.core.loops import named
from malleposte.deliveries.retracted import Box, Copy, Sign
from malleposte.platform.mailstore import EXPUNGED_ROOT, RETRACTED, SHARES

FIELDS = "user mailbox guid flags"
SECONDS = 600.0
AT_ONCE, SIGNS = 100, 16
"""Boxes of one process, and different messages that it looks for."""
EVERYWHERE: tuple[tuple[str, ...], ...] = (
    ("mailbox", "*", "NOT", "mailbox", f"{SHARES}*"),
    ("mailbox", f"{EXPUNGED_ROOT}*"),
    ("mailbox", f"{EXPUNGED_ROOT}INBOX"),
)
"""The places of a box in which a message may lie: its own folders, what was deleted, and the root of that, which no
pattern means and a filter of the box may name. What is shared is others'. Of several together doveadm finds nothing."""
PARTLY = 75
"""EX_TEMPFAIL: a box of several could not be opened."""

Run = Callable[..., Any]
"""`doveadm`, or a test's."""


def find(boxes: Sequence[Box], run: Run = doveadm) -> list[Copy]:
    """Return the copies that can be reached in some boxes. Raises MallepostError."""
    return _looked(boxes, run)[0]


def seal(boxes: Sequence[Box], run: Run = doveadm) -> list[Copy]:
    """Move every copy of these messages out of reach; return what is still there, or may be. Raises MallepostError."""
    for batch in batches(boxes):
        for place in EVERYWHERE:
            for _some, _done in _ran(run, batch, ("move",), (RETRACTED, *place), check=False):
                pass
    copies, closed = _looked(boxes, run)
    return [*copies, *(Copy(uid, "", "") for uid in closed)]


def _looked(boxes: Sequence[Box], run: Run) -> tuple[list[Copy], list[str]]:
    """Look for copies; return them, and the uids of boxes that could not be opened, by the lines of errors."""
    copies, closed = list[Copy](), dict[str, None]()
    for batch in batches(boxes):
        for place in EVERYWHERE:
            for some, done in _ran(run, batch, ("-f", "json", "fetch"), (FIELDS, *place), also=(PARTLY,)):
                copies += [_copy(row) for row in _rows(done)]
                closed |= dict.fromkeys(unserved([box.uid for box in some], done))
    return copies, list(closed)


def _ran(
    run: Run, batch: list[Box], command: Sequence[str], words: Sequence[str], **options: Any
) -> Iterator[tuple[list[Box], Any]]:
    """Run a command on boxes together; each by itself where one of them ended the run. Raises MallepostError."""
    with user_file(box.uid for box in batch) as path:
        done = run(*command, "-F", path, "--", *words, *_query(batch), timeout=SECONDS, **options)
    if ENDED in done.stderr and len(batch) > 1:
        for box in batch:
            yield from _ran(run, [box], command, words, **options)
    else:
        yield batch, done


def unseal(copies: Sequence[Copy], run: Run = doveadm) -> list[Copy]:
    """Move sealed copies to their folders again; return those that are not there. Raises MallepostError at the end.

    Flags and dates are the message's own, which moves keep. A folder that was removed is made again. Copies of one
    message in several folders have one GUID: they are told apart by whether they were read. A box that fails stops no
    other.
    """
    gone, failures = list[Copy](), list[str]()
    for uid, group in itertools.groupby(sorted(copies, key=_place), key=lambda one: one.uid):
        with named(failures.append, uid):
            gone += _unsealed(uid, list(group), run)
    if failures:
        raise MallepostError(f"{len(failures)} boxes took nothing back: {failures[0]}", "type it again later")
    return gone


def _unsealed(uid: str, copies: Sequence[Copy], run: Run) -> list[Copy]:
    """Move the copies of one box back; return those that are not there. Raises MallepostError."""
    gone = list[Copy]()
    rows = _rows(run("-f", "json", "fetch", "-u", checked(uid), "--", "uid guid flags", "mailbox", RETRACTED, "ALL",
                     timeout=SECONDS))  # fmt: skip
    folders: dict[str, list[str]] = {}
    for copy in copies:
        same = [row for row in rows if row["guid"] == copy.guid]
        row = next((one for one in same if _seen(one) is copy.seen), same[0] if same else None)
        if row is None:
            gone.append(copy)
            continue
        rows.remove(row)
        folders.setdefault(copy.folder, []).append(row["uid"])
    for folder, numbers in folders.items():
        if not folder.startswith(EXPUNGED_ROOT) and folder != "INBOX":
            run("mailbox", "create", "-u", uid, "-s", "--", folder, also=(65,), timeout=SECONDS)
        run("move", "-u", uid, "--", folder, "mailbox", RETRACTED, "UID", ",".join(numbers), timeout=SECONDS)
    run("quota", "recalc", "-u", uid, timeout=SECONDS)
    return gone


def batches(boxes: Iterable[Box]) -> Iterator[list[Box]]:
    """Yield boxes that one process looks through, each for all that is looked for in any of them."""
    batch: list[Box] = []
    for box in boxes:
        checked(box.uid)
        if batch and (len(batch) >= AT_ONCE or len(_signs([*batch, box])) > SIGNS):
            yield batch
            batch = []
        batch.append(box)
    if batch:
        yield batch


def _signs(batch: Iterable[Box]) -> dict[Sign, None]:
    return dict.fromkeys(sign for box in batch for sign in box.signs)


def _query(batch: Sequence[Box]) -> list[str]:
    """The words of the search: first the day of saving, so that no older message is opened. Clients choose dates."""
    signs = _any(
        (*(("HEADER", "Message-ID", one.piece) if one.piece else ()), "HEADER", "Received", one.queue)
        for one in _signs(batch)
    )
    return ["SAVEDSINCE", min(box.since for box in batch), *signs]


def _any(tests: Iterable[Sequence[str]]) -> list[str]:
    """The words of Dovecot's search for one of several tests (doveadm-search-query(7))."""
    words: list[str] = ["("]
    for number, test in enumerate(tests):
        words += [*(["OR"] if number else []), "(", *test, ")"]
    return [*words, ")"]


def _rows(done: Any) -> list[dict[str, str]]:
    return list(json.loads(done.stdout or "[]"))


def _copy(row: dict[str, str]) -> Copy:
    return Copy(row["user"], row["mailbox"], row["guid"], _seen(row))


def _seen(row: dict[str, str]) -> bool:
    return "\\Seen" in row["flags"].split()


def _place(one: Copy) -> tuple[str, bool, str]:
    """Return the order of copies: folders of the box first.

    A message that was moved lies among what was deleted as well, for some seconds, under one GUID.
    """
    return one.uid, one.folder.startswith(EXPUNGED_ROOT), one.folder
