"""Messages that an agent deleted for good: Dovecot keeps them for some weeks, and brings them back.

Dovecot's lazy expunge moves what is expunged from a folder to the folder of the same name below `.EXPUNGED/mail/` (role
dovecot). An identifier is that name and the message's number there, such as `Projets:12`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from malleposte.accounts.channels import checked
from malleposte.adapters.dovecot import doveadm
from malleposte.core.errors import InputError
from malleposte.platform.mailstore import EXPUNGED_ROOT

ROOT = f"{EXPUNGED_ROOT}mail/"
TO_INBOX = ("Corbeille", "Indésirables")
"""Folders that an agent empties: a message of these comes back in sight, since its folder before is not known."""
FIELDS = "mailbox uid hdr.from.utf8 hdr.subject.utf8 date.received date.saved size.physical"
MOST = 500
SECONDS = 60.0
IDENT = re.compile(r"([^:\x00-\x1f\x7f]{1,400}):([1-9][0-9]{0,9})")

Run = Callable[..., Any]
"""`doveadm`, or a test's."""


@dataclass(frozen=True)
class Deleted:
    """One message; times as Dovecot writes them, in the host's zone; `size` in bytes."""

    ident: str
    folder: str
    sender: str
    subject: str
    received: str
    deleted: str
    size: int


@dataclass(frozen=True)
class Wanted:
    """Parts of sender and subject, and days since the deletion; empty or 0: any."""

    sender: str = ""
    subject: str = ""
    days: int = 0

    def words(self) -> list[str]:
        """The words of Dovecot's search."""
        words = ["mailbox", f"{ROOT}*"]
        for name, value in (("FROM", self.sender), ("SUBJECT", self.subject)):
            if value:
                words += ["HEADER", name, value]
        return words + (["SAVEDSINCE", f"{self.days}d"] if self.days else [])


def find(uid: str, query: Wanted, run: Run = doveadm) -> list[Deleted]:
    """The messages, those deleted last first, at most `MOST`. Raises MallepostError."""
    answer = run("-f", "json", "fetch", "-u", checked(uid), "--", FIELDS, *query.words(), timeout=SECONDS).stdout
    rows = [_read(row) for row in json.loads(answer or "[]")]
    return sorted(rows, key=lambda one: (one.deleted, one.ident), reverse=True)[:MOST]


def _read(row: dict[str, str]) -> Deleted:
    folder = row["mailbox"].removeprefix(ROOT)
    number = int(row.get("size.physical") or 0)
    sender, subject = (row.get(f"hdr.{name}.utf8") or row.get(f"hdr.{name}") or "" for name in ("from", "subject"))
    return Deleted(f"{folder}:{row['uid']}", folder, sender, subject, row["date.received"], row["date.saved"], number)


def parted(idents: Iterable[str]) -> dict[str, list[str]]:
    """Numbers by folder. Raises InputError."""
    numbers: dict[str, list[str]] = {}
    for ident in idents:
        match = IDENT.fullmatch(ident)
        if not match or set("*%") & set(match[1]):
            raise InputError(
                f"{ident!r} is no message", "`malleposte accounts undelete ACCOUNT` lists them: FOLDER:NUMBER"
            )
        numbers.setdefault(match[1], []).append(match[2])
    return numbers


def target(folder: str) -> str:
    """The folder to which a message comes back."""
    return "INBOX" if folder in TO_INBOX else folder


def restore(uid: str, idents: Iterable[str], run: Run = doveadm) -> dict[str, int]:
    """Bring messages back, and return the number for each folder. Raises InputError, MallepostError."""
    checked(uid)
    done: dict[str, int] = {}
    for folder, numbers in parted(idents).items():
        place, source = target(folder), f"{ROOT}{folder}"
        answer = run(
            "-f", "json", "search", "-u", uid, "--", "mailbox", source, "UID", ",".join(numbers), timeout=SECONDS
        ).stdout
        there = [row["uid"] for row in json.loads(answer or "[]")]
        if missing := sorted(set(numbers) - set(map(str, there)), key=int):
            raise InputError(f"{folder}:{missing[0]} is not there", "it was brought back, or its time is over")
        if place != "INBOX":
            # A folder that was removed since is made again; one that is there is what doveadm refuses (65, EX_DATAERR).
            run("mailbox", "create", "-u", uid, "-s", "--", place, also=(65,), timeout=SECONDS)
        run("move", "-u", uid, "--", place, "mailbox", source, "UID", ",".join(numbers), timeout=SECONDS)
        done[place] = done.get(place, 0) + len(numbers)
    if done:
        # Dovecot (2.4.1) adds nothing to the quota for a move from a folder outside it.
        run("quota", "recalc", "-u", uid, timeout=SECONDS)
    return done
