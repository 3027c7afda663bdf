"""Another host, through its hostd: one act at a time on a connection (`wire`)."""

from __future__ import annotations

import contextlib
import errno
import functools
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec

from malleposte.accounts.hosts import wire
from malleposte.accounts.hosts.model import File, Piece
from malleposte.accounts.hosts.table import Act, version
from malleposte.core.errors import InputError, MallepostError
from malleposte.runtime import link
from malleposte.runtime.idle import Idle

PORT = 7444
TIMEOUT = 60.0  # seconds; a queue of thousands takes a while to read
HOSTD = "look there at 'systemctl status malleposte-hostd'"
WAITING, WAITING_SECONDS = 8, 8.0
"""Connections to one host that wait for a next act, and for how long: hostd ends those that are silent for longer."""
AWAY = "start that host or wait for it, then type this again"


@dataclass(frozen=True)
class Way:
    """The way to a hostd. `client` and `secret` prove the caller over TLS."""

    address: str
    client: str = ""
    secret: str = field(default="", repr=False)
    ca_file: str | None = None
    timeout: float = TIMEOUT

    def ask(self, act: Act[..., Any, Any], arguments: Mapping[str, Any], answer: Any) -> Any:
        """Return the answer, of the type `answer`; the files of a stream as they come. Raises MallepostError."""
        replies = self._replies(act.name, arguments)
        if act.streams:
            return (piece for piece in replies if not isinstance(piece, wire.Done))
        for reply in replies:
            if isinstance(reply, wire.Done):
                return wire.read(reply.answer, answer)
        raise MallepostError(f"{self.address}: closed before the answer")

    def _opened(self) -> link.Link:
        """Return a connection on which the other side knows the client."""
        opened = link.opened(self.address, port=PORT, timeout=self.timeout, ca_file=self.ca_file)
        with contextlib.ExitStack() as ending:
            ending.callback(opened.close)
            if link.is_tls(self.address):
                _send(opened.stream, wire.Proof(self.client, self.secret))
                _reply(opened.stream)
            ending.pop_all()
        return opened

    def _replies(self, act: str, arguments: Mapping[str, Any]) -> Iterator[Piece | wire.Done]:
        request = wire.Request(act, version(), msgspec.Raw(wire.encoded(arguments)))
        try:
            opened = _waiting(self).take() or self._opened()
            with contextlib.ExitStack() as ending:
                ending.callback(opened.close)
                _send(opened.stream, request)
                while not isinstance(reply := _reply(opened.stream), wire.Done):
                    yield reply
                if link.is_tls(self.address):
                    ending.pop_all()
                    _waiting(self).put(opened)
                yield reply
        except (OSError, ValueError, InputError) as error:
            reason = getattr(error, "message", "") or str(error) or type(error).__name__
            hint = getattr(error, "hint", None) or (AWAY if _away(error) else HOSTD)
            raise MallepostError(f"{self.address}: {reason}", hint) from error


@functools.lru_cache(maxsize=64)
def _waiting(_way: Way) -> Idle[link.Link]:
    """Connections over TLS on which the other side knows the client."""
    return Idle(WAITING, WAITING_SECONDS)


def _away(error: Exception) -> bool:
    """Whether it is the host that does not answer, and not its hostd."""
    gone = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ETIMEDOUT)
    return isinstance(error, TimeoutError) or getattr(error, "errno", None) in gone


def _send(stream: io.BufferedRWPair, message: msgspec.Struct) -> None:
    stream.write(wire.line(message))
    stream.flush()


def _reply(stream: io.BufferedRWPair) -> Piece | wire.Done:
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise ConnectionError("closed before the answer")
    reply: wire.Reply = wire.read(line, cast("type[wire.Reply]", wire.Reply))
    if isinstance(reply, wire.Refused):
        raise MallepostError(reply.error, reply.hint)
    if isinstance(reply, wire.Missing):
        return reply.reason
    return _file(stream, reply) if isinstance(reply, wire.Content) else reply


def _file(stream: io.BufferedRWPair, head: wire.Content) -> File:
    if not 0 <= head.size <= wire.LARGEST:
        raise ValueError(f"a file of {head.size} bytes")
    content = stream.read(head.size)
    if len(content) != head.size:
        raise ConnectionError("closed in a file")
    return File(head.name, content, head.kind, head.when)


class RemoteHost:
    """See table.Host."""

    def __init__(self, name: str, holds: frozenset[str], way: Way) -> None:
        """`name` is the host's in the inventory."""
        self.name, self.holds, self.way = name, holds, way

    def ask[**P, R, M](self, act: Act[P, R, M], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """See table.Host."""
        return cast("R", self.way.ask(act, act.bind(*args, **kwargs), act.hints["return"]))
