"""Answers to invitations in the box of an office, read by doveadm on its host.

A reader knows the last message of each folder, and reads on from there: no flood of a stranger's hides an answer, it
only comes later. An answer without a verified author (`X-Malleposte-Author`, which the filter alone writes) is none.
What it says is judged elsewhere (`count`).
"""

from __future__ import annotations

import datetime
import email
import email.policy
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import msgspec

from malleposte.accounts.channels import checked
from malleposte.accounts.convocations.itip import LARGEST
from malleposte.adapters.dovecot import doveadm
from malleposte.core.loops import named

LOOKED_AT = 500
"""Messages that one question looks at, the oldest first."""
LARGEST_MESSAGE = 4 * LARGEST
"""Bytes of a message that is read whole."""
SECONDS = 60.0
AUTHOR = "x-malleposte-author"
_ADDRESS = re.compile(r"[^\s@<>,;:\"]{1,64}@[A-Za-z0-9.-]{1,255}")
_FOLDER = re.compile(r"[0-9a-f]{8,64}")
_FIELDS = f"uid hdr.{AUTHOR} imap.bodystructure size.physical date.received"
Run = Callable[..., Any]
"""`doveadm`, or a test's."""


class RawReply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An answer as it lies in the box: its verified author, when it came (seconds since 1970), its calendar."""

    author: str
    received: int
    text: str


class Replies(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Answers, and the last message of each folder that was looked at. `more`: and there are others."""

    replies: list[RawReply] = []
    seen: dict[str, int] = {}
    unread: list[str] = []
    more: bool = False


def read(box: str, since: datetime.date, seen: Mapping[str, int], run: Run = doveadm) -> Replies:
    """Return the answers after those that were seen. Raises MallepostError."""
    query = ("mailbox", "*", "SINCE", since.isoformat())
    done = run("-f", "json", "search", "-u", checked(box), "--", *query, timeout=SECONDS)
    rows = json.loads(done.stdout or "[]")
    unseen = sorted(
        (str(row["mailbox-guid"]), int(row["uid"])) for row in rows
        if _FOLDER.fullmatch(str(row["mailbox-guid"])) and int(row["uid"]) > seen.get(str(row["mailbox-guid"]), 0)
    )  # fmt: skip
    chosen = unseen[:LOOKED_AT]
    # A folder without messages of these days is forgotten: what is read twice changes nothing.
    last = {name: seen[name] for name in sorted({str(row["mailbox-guid"]) for row in rows}) if name in seen}
    replies, unread = list[RawReply](), list[str]()
    for folder, several in groupby(chosen, key=lambda one: one[0]):
        numbers = [number for _folder, number in several]
        for row in _fetched(run, box, _FIELDS, folder, numbers):
            with named(unread.append, f"{folder}/{row.get('uid')}"):
                replies += _of(run, box, folder, row)
        last[folder] = max(numbers)
    return Replies(sorted(replies, key=lambda one: one.received), last, unread[:20], len(unseen) > len(chosen))


def _fetched(run: Run, box: str, fields: str, folder: str, numbers: Sequence[int]) -> list[dict[str, str]]:
    query = ("mailbox-guid", folder, "UID", ",".join(map(str, numbers)))
    done = run("-f", "json", "fetch", "-u", checked(box), "--", fields, *query, timeout=SECONDS)
    return list(json.loads(done.stdout or "[]"))


def _of(run: Run, box: str, folder: str, row: Mapping[str, str]) -> Iterator[RawReply]:
    """Yield the answer of a message, if it bears one. A large one is none."""
    author = row.get(f"hdr.{AUTHOR}", "").strip().lower()
    if not _ADDRESS.fullmatch(author) or '"calendar"' not in row.get("imap.bodystructure", "").lower():
        return
    if int(row.get("size.physical", "0")) > LARGEST_MESSAGE:
        return
    received = int(datetime.datetime.fromisoformat(row["date.received"]).astimezone().timestamp())
    (whole,) = _fetched(run, box, "text", folder, [int(row["uid"])])
    for text in calendars(whole["text"]):
        yield RawReply(author, received, text)
        return


def calendars(message: str) -> Iterator[str]:
    """Yield the calendars of a message that say that they are answers."""
    # The old policy takes whatever a stranger wrote.
    parsed = email.message_from_string(message, policy=email.policy.compat32)
    for part in parsed.walk():
        if part.get_content_type() != "text/calendar" or str(part.get_param("method", "")).upper() != "REPLY":
            continue
        content = part.get_payload(decode=True)
        if isinstance(content, bytes) and len(content) <= LARGEST:
            yield content.decode("utf-8", "replace")
