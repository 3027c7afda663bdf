"""The messages of a box as Dovecot has them, by doveadm: what waits, what is marked, labels. For root."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from malleposte.accounts.channels import checked
from malleposte.accounts.mailbox.owners.model import ANSWERED, BY, DONE, TAKEN, own_label
from malleposte.accounts.mailbox.owners.store import SENT
from malleposte.adapters.dovecot import doveadm, forget
from malleposte.platform.identity import is_uid

INBOX = "INBOX"
MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,240}>")
SECONDS = 60.0
FIELDS = (
    "mailbox uid flags date.received.unixtime hdr.message-id hdr.date hdr.from hdr.subject hdr.from.utf8 "
    "hdr.subject.utf8"
)
SENT_FIELDS = "hdr.message-id hdr.in-reply-to hdr.references"
KEY_FIELDS = "hdr.message-id hdr.date hdr.from hdr.subject"
LONGEST = 200
"""Characters of a sender or a subject that are shown."""
AT_A_TIME = 200
"""Numbers of a question."""
MOST_NAMES = 100
"""Names of delegates of a question."""

type Run = Callable[..., Any]


@dataclass(frozen=True)
class Row:
    """A message. Its key is a digest of the fields that a copy of it in another folder has, too."""

    folder: str
    number: int
    flags: frozenset[str]
    received: float
    key: str
    message_id: str
    sender: str
    subject: str

    @property
    def labels(self) -> set[str]:
        """Its labels that are ours."""
        return {flag for flag in self.flags if own_label(flag)}

    @property
    def answered(self) -> bool:
        """Whether a program marked it as answered."""
        return ANSWERED in self.flags


@dataclass(frozen=True)
class Sent:
    """A message that was sent as the box: its own Message-ID, and those that it answers."""

    message_id: str
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Dovecot:
    """The questions to Dovecot. Each raises MallepostError."""

    run: Run = doveadm

    def delegates(self, box: str) -> frozenset[str]:
        """The agents who open the box, as the directory has them now, not as Dovecot remembers them."""
        forget([checked(box)], timeout=SECONDS, run=self.run)
        words = self.run("user", "-f", "delegates", "--", checked(box), timeout=SECONDS).stdout
        return frozenset(one for one in words.strip().lower().split(",") if is_uid(one))

    def numbers(self, box: str, *query: str, folder: str = INBOX) -> list[int]:
        """The numbers of messages in a folder, in their order."""
        output = self.run(
            "-f", "json", "search", "-u", checked(box), "--", "mailbox", folder, *query, timeout=SECONDS
        ).stdout
        rows = json.loads(output or "[]")
        return sorted(int(row["uid"]) for row in rows)

    def waiting(self, box: str, since: float) -> list[int]:
        """Those of the inbox that nobody answered, or that somebody has, as far as labels say."""
        return self.numbers(
            box, "SINCE", str(int(since)), "(", "UNANSWERED", "OR", "KEYWORD", TAKEN, ")", "UNKEYWORD", DONE
        )

    def marked(self, box: str, since: float, delegates: Collection[str] = ()) -> list[int]:
        """Those of the inbox of which something is to bring in line: with a label, or answered and not done."""
        marks = ["ANSWERED"]
        for label in (TAKEN, *(f"{BY}{uid}" for uid in sorted(delegates)[:MOST_NAMES])):
            marks += ["OR", "KEYWORD", label]
        return self.numbers(box, "SINCE", str(int(since)), "(", *marks, ")", "UNKEYWORD", DONE)

    def rows(self, box: str, numbers: Sequence[int], *query: str, folder: str = INBOX) -> list[Row]:
        """Messages by their numbers, in that order."""
        rows: list[Row] = []
        for start in range(0, len(numbers), AT_A_TIME):
            some = ",".join(map(str, numbers[start : start + AT_A_TIME]))
            rows += self._fetched(box, "mailbox", folder, "UID", some, *query)
        return rows

    def named(self, box: str, message_id: str, folder: str = "") -> list[Row]:
        """Messages by their Message-ID, in a folder or in all."""
        if not MESSAGE_ID.fullmatch(message_id):
            return []
        rows = self._fetched(box, *(("mailbox", folder) if folder else ()), "HEADER", "Message-ID", message_id)
        return [row for row in rows if row.message_id == message_id]

    def _fetched(self, box: str, *query: str) -> list[Row]:
        output = self.run("-f", "json", "fetch", "-u", checked(box), "--", FIELDS, *query, timeout=SECONDS).stdout
        return [_row(one) for one in json.loads(output or "[]")]

    def keys(self, box: str) -> frozenset[str]:
        """The keys of all messages of the box. Folders of what was deleted or sealed are hidden: none of theirs."""
        output = self.run(
            "-f", "json", "fetch", "-u", checked(box), "--", KEY_FIELDS, "ALL", timeout=10 * SECONDS
        ).stdout
        return frozenset(_key(one) for one in json.loads(output or "[]"))

    def sent(self, box: str, since: float, most: int) -> list[Sent]:
        """Mail that was sent as the box since then, the newest."""
        numbers = self.numbers(box, "SAVEDSINCE", str(int(since)), folder=SENT)[-most:]
        if not numbers:
            return []
        query = ("mailbox", SENT, "UID", ",".join(map(str, numbers)))
        output = self.run("-f", "json", "fetch", "-u", checked(box), "--", SENT_FIELDS, *query, timeout=SECONDS).stdout
        return [_sent(one) for one in json.loads(output or "[]")]

    def label(self, box: str, row: Row, labels: Collection[str]) -> None:
        """Give a message these labels of ours, and no others."""
        there = {one.lower(): one for one in row.labels}
        more = sorted(one for one in labels if one.lower() not in there)
        less = sorted(one for low, one in there.items() if low not in {label.lower() for label in labels})
        place = ("mailbox", row.folder, "UID", str(row.number))
        if more:
            self.run("flags", "add", "-u", checked(box), "--", " ".join(more), *place, timeout=SECONDS)
        if less:
            self.run("flags", "remove", "-u", checked(box), "--", " ".join(less), *place, timeout=SECONDS)


def _row(one: dict[str, str]) -> Row:
    ident = one.get("hdr.message-id", "").strip()
    sender, subject = (
        _shown(one.get(f"hdr.{name}.utf8") or one.get(f"hdr.{name}") or "") for name in ("from", "subject")
    )
    return Row(
        one["mailbox"], int(one["uid"]), frozenset(one.get("flags", "").split()),
        float(one.get("date.received.unixtime") or 0), _key(one), ident if MESSAGE_ID.fullmatch(ident) else "",
        sender, subject,
    )  # fmt: skip


def _key(one: dict[str, str]) -> str:
    parts = [" ".join(one.get(f"hdr.{name}", "").split()) for name in ("message-id", "date", "from", "subject")]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:40]


def _shown(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)[:LONGEST].strip()


def _sent(one: dict[str, str]) -> Sent:
    answers: list[str] = []
    for name in ("hdr.in-reply-to", "hdr.references"):
        words = [word for word in one.get(name, "")[-4000:].split() if MESSAGE_ID.fullmatch(word)]
        answers += words[-1:]
    return Sent(one.get("hdr.message-id", "").strip(), tuple(dict.fromkeys(answers)))
