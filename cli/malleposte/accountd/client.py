"""Ask accountd: over its Unix socket on the same host, over TLS from another.

`Client.of(path).call(passwords.Change(source=address_of_the_browser, login=login, old=old, new=new))` returns its
answer or raises RefusedError with the reason.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from malleposte.accountd import codec
from malleposte.accountd.call import OF
from malleposte.accountd.message import LONGEST, Done, ErrorCode, Hello, OtherFormError, Refused, Request, WithBytes
from malleposte.runtime import link
from malleposte.runtime.idle import Idle

PORT = 7443
WAITING, WAITING_SECONDS = 16, 8.0
"""Connections that wait for a next call, and for how long: accountd ends those that are silent for longer."""
USES = 50
"""Calls of one connection: fewer than accountd takes (`accountd.server`)."""
PIECE = 64 * 1024
"""Bytes of a copy that are in memory."""


class RefusedError(Exception):
    """accountd does not do it: `refused` says why."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(f"accountd: {refused.error}{': ' + refused.message if refused.message else ''}")
        self.refused = refused


class UnavailableError(Exception):
    """accountd gives no answer. Whether a request was carried out is not known."""


class OtherVersionError(UnavailableError):
    """accountd is of another version, and carried out nothing. The text says what to do."""


class Copy:
    """An answer and the bytes that follow it, once. It is to be closed in any case."""

    def __init__(self, answer: WithBytes, stream: io.BufferedRWPair, opened: contextlib.ExitStack) -> None:
        self.answer, self._stream, self._opened = answer, stream, opened
        self._left = answer.size

    def __iter__(self) -> Iterator[bytes]:
        """Pieces. Raises OSError where it ends too early: whoever counts the bytes then misses some."""
        while self._left:
            piece = self._stream.read1(min(self._left, PIECE))
            if not piece:
                raise ConnectionError("closed in a copy")
            self._left -= len(piece)
            yield piece

    def close(self) -> None:
        """End the connection."""
        self._opened.close()


class Line:
    """A connection on which accountd knows the client."""

    def __init__(self, opened: link.Link) -> None:
        """It closes the connection."""
        self.link, self.uses = opened, 0

    def fileno(self) -> int:
        """The descriptor of its socket; -1 once it is closed."""
        return self.link.fileno()

    def close(self) -> None:
        """End it."""
        self.link.close()


@dataclass(frozen=True)
class Client:
    """`address` is `unix://PATH` or `tls://HOST[:PORT]`; `name` and `secret` prove the client over TLS.

    `timeout` is in seconds, for each of connection and answers. The server's certificate is verified for HOST, with
    `ca_file` or the system's authorities. Threads may share a client: a call has a connection for itself. Over TLS
    one whose call was answered waits a little for the next call.
    """

    address: str
    name: str = ""
    secret: str = field(default="", repr=False)
    ca_file: str | None = None
    timeout: float = 30.0
    waiting: Idle[Line] = field(default_factory=lambda: Idle(WAITING, WAITING_SECONDS), repr=False, compare=False)

    @classmethod
    def of(cls, path: Path) -> Client:
        """From a JSON file with the fields above. Raises UnavailableError when it cannot be used."""
        try:
            return cls(**json.loads(path.read_text("utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise UnavailableError(f"{path}: {error}") from error

    def within(self, seconds: float) -> Client:
        """Return the same client, which waits so long at most for each answer."""
        return replace(self, timeout=seconds)

    def call[A: Done](self, request: Request[A]) -> A:
        """Ask for one thing; `Hello()` asks whether accountd is there and knows this client.

        Raises RefusedError, UnavailableError.
        """
        with self._talk(request, again=True) as (answer, _stream):
            return answer

    def fetch(self, request: Request[Any]) -> Copy:
        """Ask for what has bytes, such as a copy of an agent's data. Raises RefusedError, UnavailableError."""
        opened = contextlib.ExitStack()
        answer, stream = opened.enter_context(self._talk(request))
        return Copy(answer, stream, opened)

    @contextlib.contextmanager
    def _talk[A: Done](self, request: Request[A], *, again: bool = False) -> Iterator[tuple[A, io.BufferedRWPair]]:
        """The answer, and the stream that it came from. `again`: the connection may be used for another call."""
        mine = Hello(self.name, self.secret)
        hello = isinstance(request, Hello)
        try:
            line = (None if hello else self.waiting.take()) or Line(
                link.opened(self.address, port=PORT, ca_file=self.ca_file, timeout=self.timeout)
            )
            with contextlib.ExitStack() as ending:
                ending.callback(line.close)
                line.link.wait(self.timeout)
                if link.is_tls(self.address) and not hello and not line.uses:
                    self._ask(line.link.stream, mine)
                line.uses += 1
                answer = self._ask(line.link.stream, mine if hello else request)
                yield cast("A", answer), line.link.stream
                if again and not hello and link.is_tls(self.address) and line.uses < USES:
                    ending.pop_all()
                    self.waiting.put(line)
        except OtherFormError as error:
            raise OtherVersionError(f"accountd at {self.address}: {error}") from error
        except (OSError, ValueError) as error:
            raise UnavailableError(f"accountd at {self.address}: {error or type(error).__name__}") from error

    @staticmethod
    def _ask(stream: io.BufferedRWPair, request: Request[Any]) -> Done:
        call = OF[type(request)]
        stream.write(codec.encode(request))
        stream.flush()
        line = stream.readline(LONGEST + 1)
        if not line.endswith(b"\n"):
            raise ConnectionError("closed before the answer")
        answer: Done | Refused = codec.decode_answer(call.answer, line)
        if isinstance(answer, Refused):
            if answer.error is ErrorCode.VERSION:
                raise OtherFormError(call.name)
            raise RefusedError(answer)
        return answer
