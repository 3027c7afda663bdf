"""Messages that agents reported to the DSI's box: read and marked as answered by doveadm, on the host of the box.

A report bears the original as it was delivered. The queue id in its first `Received` and its Message-ID say which
message it is; whether its agent got that one, the index of deliveries knows.
"""

from __future__ import annotations

import datetime
import email.header
import email.parser
import email.policy
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from malleposte.accounts.channels import checked
from malleposte.adapters.dovecot import doveadm
from malleposte.deliveries.model import plain

DAYS = 30
MOST, LOOKED_AT, EACH = 200, 2000, 10
"""Reports that are read, those among which they are chosen, the newest first, and those of one agent."""
LONGEST = 120
"""Characters of a text that a stranger chose."""
SECONDS = 60.0
IDENT = r"\d{1,10}"
_QUEUE = re.compile(r"\bid ([0-9A-Za-z]{6,20})\b")
Run = Callable[..., Any]
"""`doveadm`, or a test's."""


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A report that nobody has answered. `ident` is its number in the box, `by` the address of the agent.

    `time` as Dovecot writes it. `author` and `subject` are the original's own words.
    """

    ident: str
    by: str
    time: str
    queue: str = ""
    message_id: str = ""
    author: str = ""
    subject: str = ""

    @property
    def sign(self) -> tuple[str, str]:
        """The queue id and the Message-ID of the original."""
        return self.queue, self.message_id


def find(box: str, domain: str, today: datetime.date, run: Run = doveadm) -> list[Report]:
    """Return the reports of agents in a box that nobody has answered, the newest first. Raises MallepostError.

    Agents write from `domain`, and nobody outside may: a stranger has addresses of his own without end.
    """
    since, ours = (today - datetime.timedelta(days=DAYS)).isoformat(), f"@{domain.lower()}"
    query = ("mailbox", "INBOX", "SINCE", since, "UNANSWERED", "HEADER", "X-Malleposte-Report", "yes",
             "HEADER", "Return-Path", f"{ours}>")  # fmt: skip
    done = run("-f", "json", "search", "-u", checked(box), "--", *query, timeout=SECONDS)
    numbers = sorted((int(row["uid"]) for row in json.loads(done.stdout or "[]")), reverse=True)[:LOOKED_AT]
    if not numbers:
        return []
    heads = _fetched(run, box, "uid hdr.return-path", numbers)
    many, chosen = Counter[str](), list[int]()
    for row in sorted(heads, key=lambda row: -int(row["uid"])):
        by = _by(row)
        many[by] += 1
        if by.endswith(ours) and many[by] <= EACH and len(chosen) < MOST:
            chosen.append(int(row["uid"]))
    if not chosen:
        return []
    rows = _fetched(run, box, "uid date.received hdr.return-path body.2.header", chosen)
    return sorted(map(_read, rows), key=lambda one: -int(one.ident))


def answered(box: str, idents: Sequence[str], run: Run = doveadm) -> None:
    """Mark reports as answered. Raises MallepostError."""
    if idents:
        run("flags", "add", "-u", checked(box), "--", "\\Answered", *_of(map(int, idents)), timeout=SECONDS)


def _of(numbers: Iterable[int]) -> tuple[str, ...]:
    return ("mailbox", "INBOX", "UID", ",".join(map(str, numbers)))


def _fetched(run: Run, box: str, fields: str, numbers: Iterable[int]) -> list[dict[str, str]]:
    done = run("-f", "json", "fetch", "-u", checked(box), "--", fields, *_of(numbers), timeout=SECONDS)
    return list(json.loads(done.stdout or "[]"))


def _read(row: dict[str, str]) -> Report:
    # The old policy takes whatever a stranger wrote; nothing of it is parsed but what is shown.
    head = email.parser.HeaderParser(policy=email.policy.compat32).parsestr(row.get("body.2.header") or "")
    queue = _QUEUE.search(str(head.get("Received", "")))
    message_id = plain(str(head.get("Message-ID", "")), LONGEST).strip("<> ")
    return Report(
        str(row["uid"]), _by(row), row.get("date.received", ""),
        queue[1] if queue else "", message_id, _words(head.get("From", "")), _words(head.get("Subject", "")),
    )  # fmt: skip


def _by(row: dict[str, str]) -> str:
    """The sender of the envelope, which Dovecot writes: nobody else may use an address of ours there."""
    return row.get("hdr.return-path", "").strip().strip("<>").lower()


def _words(field: Any) -> str:
    """A field as a person reads it; as it is where it cannot be read."""
    try:
        text = str(email.header.make_header(email.header.decode_header(str(field))))
    except (LookupError, ValueError):
        text = str(field)
    return plain(text, LONGEST)
