"""A mailbox as doveadm shows it, in memory, that can be killed at any step of a command."""

import datetime
import itertools
import json
import subprocess
from dataclasses import dataclass, field, replace
from typing import Any

from malleposte.accounts.mailbox.hours import messages


class KilledError(BaseException):
    """The host lost its power."""


@dataclass(frozen=True)
class Message:
    uid: int
    guid: str
    received: int
    flags: frozenset[str] = frozenset({"\\Seen"})


@dataclass
class Box:
    """Folders of messages. `kill` is the number of steps until the power goes; 0 for never."""

    folders: dict[str, list[Message]] = field(default_factory=lambda: {"INBOX": []})
    subscribed: set[str] = field(default_factory=set)
    kill: int = 0
    steps: int = 0
    closed: bool = False
    recounted: int = 0
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def add(self, guid: str, day: str, *flags: str, folder: str = "INBOX") -> None:
        at = int(datetime.datetime.fromisoformat(f"{day}T12:00").timestamp())
        marks = frozenset(flags or ("\\Seen",)) - {""}
        self.folders.setdefault(folder, []).append(Message(next(self.numbers), guid, at, marks))

    def guids(self, folder: str) -> list[str]:
        return [one.guid for one in self.folders.get(folder, [])]

    def _step(self) -> None:
        self.steps += 1
        if self.kill and self.steps >= self.kill:
            raise KilledError

    def run(self, *words: str, also: tuple[int, ...] = (), **_options: Any) -> subprocess.CompletedProcess[str]:
        self._step()
        if self.closed:
            return subprocess.CompletedProcess(list(words), messages.CLOSED, "", "")
        if words[0] == "quota":
            self.recounted += 1
            return subprocess.CompletedProcess(list(words), 0, "", "")
        query = words[words.index("--") + 1 :]
        if words[0] == "mailbox":
            self.folders.setdefault(query[0], [])
            self.subscribed.add(query[0])
            return subprocess.CompletedProcess(list(words), 0, "", "")
        act = words[2] if words[0] == "-f" else words[0]
        target, query = (query[0], query[1:]) if act in ("fetch", "move") else ("", query)
        folder, chosen = query[1], self._chosen(query[1], list(query[2:]))
        if act == "fetch":
            if folder not in self.folders:
                assert messages.MISSING in also
                return subprocess.CompletedProcess(list(words), messages.MISSING, "", "")
            return subprocess.CompletedProcess(list(words), 0, json.dumps(list(map(_row, chosen))), "")
        if act == "move":
            self.folders[target] += [replace(one, uid=next(self.numbers)) for one in chosen]
            self._step()
        self.folders[folder] = [one for one in self.folders[folder] if one not in chosen]
        self._step()
        return subprocess.CompletedProcess(list(words), 0, "", "")

    def _chosen(self, folder: str, query: list[str]) -> list[Message]:
        found = list(self.folders.get(folder, []))
        while query:
            word = query.pop(0)
            if word == "UID":
                numbers = set(map(int, query.pop(0).split(",")))
                found = [one for one in found if one.uid in numbers]
            elif word == "BEFORE":
                second = int(query.pop(0))
                found = [one for one in found if one.received < second]
            elif word == "KEYWORD":
                keyword = query.pop(0)
                found = [one for one in found if keyword in one.flags]
            elif word == "SEEN":
                found = [one for one in found if "\\Seen" in one.flags]
            elif word in ("UNFLAGGED", "UNDELETED"):
                mark = f"\\{word[2:].capitalize()}"
                found = [one for one in found if mark not in one.flags]
            else:
                assert word == "ALL", word
        return found


def _row(one: Message) -> dict[str, str]:
    return {
        "uid": str(one.uid), "guid": one.guid, "storageid": f"{one.guid}.{one.uid}", "flags": " ".join(one.flags),
        "date.received.unixtime": str(one.received),
    }  # fmt: skip
