"""Another host, through its hostd: one request a connection, one JSON line each way; an export's files between them.

A request is `{"act": ..., "uid": ..., "names": [...], "word": ...}`, an answer `{"done": ...}` or `{"error": ...}`.
Before its answer an export sends for each file `{"file": name, "kind": ..., "when": ..., "size": bytes}` and those
bytes, or `{"missing": why}`. Over TLS the first line is `{"client": ..., "secret": ...}`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from malleposte.accounts.agendas import Moved
from malleposte.accounts.channels import Failure, checked
from malleposte.accounts.hosts.model import File, Piece, Removed
from malleposte.accounts.mailbox.deleted import Deleted, Wanted
from malleposte.accounts.mailbox.filters import Filters
from malleposte.accounts.mailbox.queue import Waiting
from malleposte.accounts.mailbox.senders import Edit, Senders
from malleposte.accounts.traces.model import Trace
from malleposte.adapters.lemonldap import Factor, Session
from malleposte.core.errors import MallepostError
from malleposte.runtime import link
from malleposte.throttle.record.model import Kept, kept

PORT = 7444
TIMEOUT = 60.0  # seconds; a queue of thousands takes a while to read
LONGEST = 32_768
"""Bytes of a request: an account has few names."""
LARGEST = 1 << 30
"""Bytes of a file of an export."""


@dataclass(frozen=True)
class Way:
    """The way to a hostd. `client` and `secret` prove the caller over TLS."""

    address: str
    client: str = ""
    secret: str = field(default="", repr=False)
    ca_file: str | None = None
    timeout: float = TIMEOUT

    def ask(self, act: str, uid: str = "", names: Sequence[str] = (), word: str = "") -> Any:
        """Return the answer. Raises MallepostError."""
        for piece in self.stream(act, uid, names, word):
            if isinstance(piece, dict):
                return piece["done"]
        raise MallepostError(f"{self.address}: closed before the answer")

    def stream(
        self, act: str, uid: str = "", names: Sequence[str] = (), word: str = ""
    ) -> Iterator[Piece | dict[str, Any]]:
        """The files that come, then the answer as a dictionary with `done`. Raises MallepostError."""
        request = {"act": act, "uid": checked(uid) if uid else "", "names": list(names), "word": word}
        try:
            with link.connected(self.address, port=PORT, timeout=self.timeout, ca_file=self.ca_file) as stream:
                if link.is_tls(self.address):
                    _send(stream, {"client": self.client, "secret": self.secret})
                    _answer(stream)
                _send(stream, request)
                while True:
                    head = _line(stream)
                    if "file" in head:
                        yield _file(stream, head)
                    elif "missing" in head:
                        yield str(head["missing"])
                    else:
                        yield _judged(head)
                        return
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = str(error) or type(error).__name__
            raise MallepostError(
                f"{self.address}: {reason}", "look there at 'systemctl status malleposte-hostd'"
            ) from error


def _send(stream: io.BufferedRWPair, content: Mapping[str, Any]) -> None:
    stream.write(json.dumps(content).encode() + b"\n")
    stream.flush()


def _line(stream: io.BufferedRWPair) -> dict[str, Any]:
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise ConnectionError("closed before the answer")
    found = json.loads(line)
    if not isinstance(found, dict):
        raise ValueError("not an answer")
    return found


def _judged(head: dict[str, Any]) -> dict[str, Any]:
    if "error" in head:
        raise MallepostError(str(head["error"]), str(head["hint"]) if head.get("hint") else None)
    if "done" not in head:
        raise ValueError("not an answer")
    return head


def _answer(stream: io.BufferedRWPair) -> Any:
    return _judged(_line(stream))["done"]


def _file(stream: io.BufferedRWPair, head: Mapping[str, Any]) -> File:
    size = int(head["size"])
    if not 0 <= size <= LARGEST:
        raise ValueError(f"a file of {size} bytes")
    content = stream.read(size)
    if len(content) != size:
        raise ConnectionError("closed in a file")
    return File(str(head["file"]), content, str(head["kind"]), float(head["when"]))


def waiting(raw: Mapping[str, Any]) -> Waiting:
    """A message in a queue, from its JSON."""
    return Waiting(**{**raw, "recipients": tuple(raw["recipients"])})


def looked(raw: Mapping[str, Any]) -> Filters:
    """Filters, from their JSON."""
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()}
    return Filters(**given)


def told(raw: Any) -> Kept:
    """A record, from its JSON. Raises MallepostError."""
    try:
        return kept(raw)
    except (KeyError, TypeError, ValueError) as error:
        raise MallepostError("not a record", "deploy all hosts from one version of Malleposte") from error


class Asked:
    """The acts that a daemon answers alike for its own host and for all of them; see model.Host."""

    way: Way

    def carry(self, uid: str, profile: str) -> str:
        """See Host."""
        return str(self.way.ask("carry", uid, word=profile))

    def look(self, uid: str) -> Filters:
        """See Host."""
        return looked(self.way.ask("look", uid))

    def factors(self, uid: str) -> list[Factor]:
        """See Host."""
        return [Factor.read(one) for one in self.way.ask("factors", uid)]

    def unfactor(self, uid: str, ident: str) -> Factor:
        """See Host."""
        return Factor.read(self.way.ask("unfactor", uid, word=ident))

    def log_ins(self, uid: str) -> list[Session]:
        """See Host."""
        return [Session.read(one) for one in self.way.ask("log_ins", uid)]

    def end_log_in(self, uid: str, ident: str) -> tuple[str, ...] | None:
        """See Host."""
        untold = self.way.ask("end_log_in", uid, word=ident)
        return tuple(map(str, untold)) if isinstance(untold, list) else None

    def deleted(self, uid: str, wanted: Wanted) -> list[Deleted]:
        """See Host."""
        return [Deleted(**one) for one in self.way.ask("deleted", uid, word=json.dumps(asdict(wanted)))]

    def undelete(self, uid: str, idents: Sequence[str]) -> Mapping[str, int]:
        """See Host."""
        return dict(self.way.ask("undelete", uid, word=json.dumps(list(idents))))

    def senders(self, uid: str) -> Senders:
        """See Host."""
        return Senders.of(**self.way.ask("senders", uid))

    def set_senders(self, uid: str, edit: Edit) -> Senders:
        """See Host."""
        return Senders.of(**self.way.ask("set_senders", uid, word=json.dumps(asdict(edit))))

    def settle(self, uid: str, profile: str) -> Moved:
        """See Host."""
        return Moved(**self.way.ask("settle", uid, word=profile))


class RemoteHost(Asked):
    """See model.Host."""

    def __init__(self, name: str, holds: frozenset[str], way: Way) -> None:
        """`name` is the host's in the inventory."""
        self.name, self.holds, self.way = name, holds, way

    def close(self, uid: str, names: Sequence[str]) -> list[Failure]:
        """See Host."""
        return [Failure(*one) for one in self.way.ask("close", uid, names)]

    def forget(self, uid: str, names: Sequence[str]) -> list[Failure]:
        """See Host."""
        return [Failure(*one) for one in self.way.ask("forget", uid, names)]

    def cut(self, uid: str, device: str, names: Sequence[str]) -> None:
        """See Host."""
        self.way.ask("cut", uid, names, device)

    def queue(self, act: str, uid: str, names: Sequence[str]) -> list[Waiting]:
        """See Host."""
        return [waiting(one) for one in self.way.ask("queue", uid, names, act)]

    def traces(self, uid: str) -> list[Trace]:
        """See Host."""
        return [Trace.read(one) for one in self.way.ask("traces", uid)]

    def untrace(self, uid: str, trace: Trace, names: Sequence[str]) -> None:
        """See Host."""
        self.way.ask("untrace", uid, names, json.dumps(asdict(trace)))

    def drop(self, uid: str) -> bool:
        """See Host."""
        return bool(self.way.ask("drop", uid))

    def holders(self) -> Mapping[str, Sequence[str]]:
        """See Host."""
        return {str(name): list(uids) for name, uids in self.way.ask("holders").items()}

    def enrolled(self) -> Mapping[str, Sequence[str]]:
        """See Host."""
        return {str(uid): list(kinds) for uid, kinds in self.way.ask("enrolled").items()}

    def record(self, uid: str) -> Kept:
        """See Host."""
        return told(self.way.ask("record", uid))

    def files(self, uid: str) -> Iterator[Piece]:
        """See Host: each file as it comes, no more than one in memory."""
        for piece in self.way.stream("files", uid):
            if not isinstance(piece, dict):
                yield piece

    def empty(self, uid: str) -> Removed:
        """See Host."""
        return Removed(**self.way.ask("empty", uid))

    def ping(self) -> None:
        """See Host."""
        self.way.ask("ping")

    def relist(self) -> None:
        """See Host."""
        self.way.ask("relist")
