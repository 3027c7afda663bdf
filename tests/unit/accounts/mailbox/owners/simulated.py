"""A Dovecot with one box, of which each answer has the form of doveadm's (2.4.1)."""

import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from malleposte.core.errors import MallepostError

BOX = "ce.9990001x"
BEGIN = 1_800_000_000.0


@dataclass
class Message:
    """A message of a folder."""

    number: int
    ident: str
    folder: str = "INBOX"
    subject: str = "Absence"
    sender: str = "parent@example.org"
    flags: set[str] = field(default_factory=set)
    received: int = int(BEGIN) + 60
    answers: str = ""


class Doveadm:
    """doveadm of one box; `asked` are its calls."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.delegates = ["adupond", "bmartin"]
        self.asked: list[tuple[str, ...]] = []
        self.remembered: dict[str, str] = {}
        """The directory's answers in Dovecot's cache."""
        self.fails = 0
        self.away = False
        self.unanswered = False
        """Whether auth hangs up instead of forgetting: doveadm's exit code is 0 all the same."""

    def arrive(self, ident: str, **more: Any) -> Message:
        one = Message(len(self.messages) + 1, f"<{ident}@example.org>", **more)
        self.messages.append(one)
        return one

    def __call__(self, *words: str, **_options: Any) -> SimpleNamespace:
        self.asked.append(words)
        if self.away:
            raise MallepostError("doveadm: connection refused")
        if words[0] == "auth":
            assert words[1:] == ("cache", "flush", words[-1])
            if not self.unanswered:
                self.remembered.pop(words[-1], None)
            return SimpleNamespace(stdout="", stderr="Error: auth: disconnected\n" if self.unanswered else "")
        plain = words[2:] if words[:2] == ("-f", "json") else words
        verb, rest = plain[0], plain[plain.index("--") + 1 :]
        if verb == "user":
            known = self.remembered.setdefault(words[-1], ",".join(self.delegates))
            return SimpleNamespace(stdout=f"{known}\n")
        if verb == "flags":
            return self._flags(plain[1], rest)
        query = rest[1:] if verb == "fetch" else rest
        found = [one for one in self.messages if _matches(one, query)]
        rows = [_fetched(one) for one in found] if verb == "fetch" else [{"uid": str(one.number)} for one in found]
        return SimpleNamespace(stdout=json.dumps(rows))

    def _flags(self, act: str, rest: tuple[str, ...]) -> SimpleNamespace:
        if self.fails:
            self.fails -= 1
            raise OSError("killed")
        for one in self.messages:
            if _matches(one, rest[1:]):
                labels = set(rest[0].split())
                one.flags = one.flags | labels if act == "add" else one.flags - labels
        return SimpleNamespace(stdout="")


def _matches(one: Message, query: tuple[str, ...]) -> bool:
    words, right = list(query), True
    while words:
        word = words.pop(0)
        if word == "mailbox":
            right &= one.folder == words.pop(0)
        elif word == "UID":
            right &= str(one.number) in words.pop(0).split(",")
        elif word == "ALL":
            right &= not one.folder.startswith(".")
        elif word == "HEADER":
            assert words.pop(0) == "Message-ID"
            right &= words.pop(0) in one.ident
        elif word in ("SINCE", "SAVEDSINCE"):
            right &= one.received >= int(words.pop(0))
        elif word == "UNANSWERED":
            right &= "\\Answered" not in one.flags
        elif word == "UNKEYWORD":
            right &= words.pop(0) not in one.flags
        elif word == "(":
            end = words.index(")")
            right &= any(_matches(one, tuple(part)) for part in _parts(words[:end]))
            del words[: end + 1]
        elif word == "ANSWERED":
            right &= "\\Answered" in one.flags
        elif word == "KEYWORD":
            right &= words.pop(0) in one.flags
        else:
            raise AssertionError(word)
    return right


def _parts(words: list[str]) -> list[list[str]]:
    return [part.split() for part in " ".join(words).split(" OR ")]


def _fetched(one: Message) -> dict[str, str]:
    return {
        "mailbox": one.folder, "uid": str(one.number), "flags": " ".join(sorted(one.flags)),
        "date.received.unixtime": str(one.received), "hdr.message-id": one.ident, "hdr.date": "today",
        "hdr.from": one.sender, "hdr.subject": one.subject, "hdr.from.utf8": one.sender,
        "hdr.subject.utf8": one.subject, "hdr.in-reply-to": one.answers, "hdr.references": "",
    }  # fmt: skip
