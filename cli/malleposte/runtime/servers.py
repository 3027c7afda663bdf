"""Sockets of a daemon: LMTP (RFC 2033) for deliveries, Postfix's policy protocol at RCPT, questions of root."""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from malleposte.core.errors import InputError

LINE = 8192  # bytes
CHUNK = 65_536  # bytes of a message that are read at once
LONGEST = 200 * 1024 * 1024  # bytes of a message; Postfix's own limit is below
PATIENCE = 600.0  # seconds
LATER = "451 4.3.0 reessayez plus tard / try again later"

UNAVAILABLE = "[UNAVAILABLE]"


@dataclass(frozen=True)
class Envelope:
    """Sender and one recipient of a message; `client` is the address that it came from, where Postfix says so."""

    sender: str
    recipient: str
    client: str = ""


Take = Callable[[Envelope, bytes], str]
"""(envelope, message) -> the answer in SMTP's words."""
Ask = Callable[[str, str, int, str], str]
"""(envelope sender, recipient, size, log-in or nothing) -> a refusal, or nothing."""
Say = Callable[[str], None]


class _Server(socketserver.ThreadingMixIn, socketserver.BaseServer):
    """A server on a socket that systemd opened."""

    daemon_threads = False
    block_on_close = True

    def __init__(
        self,
        listener: socket.socket,
        handle: Callable[[BinaryIO, Callable[[bytes], None]], None],
        say: Say,
        *,
        idle: bool = False,
    ):
        """`handle` serves one client: (reader, writer).

        `idle`: a client may stay without a question for minutes, and a stop does not wait for it.
        """
        super().__init__("", socketserver.BaseRequestHandler)
        self.listener, self.handle_one, self.say, self.idle = listener, handle, say, idle
        self._links: set[socket.socket] = set()
        self._lock = threading.Lock()

    def shutdown(self) -> None:
        """Take no further client. Those that may be idle hear no more: what they have asked is answered."""
        super().shutdown()
        if self.idle:
            with self._lock:
                for link in self._links:
                    with contextlib.suppress(OSError):  # it has gone by itself
                        link.shutdown(socket.SHUT_RD)

    def fileno(self) -> int:
        """For select."""
        return self.listener.fileno()

    def get_request(self) -> tuple[socket.socket, Any]:
        """The next client."""
        link, address = self.listener.accept()
        with self._lock:
            self._links.add(link)
        return link, address

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve a client until it disconnects."""
        link = cast("socket.socket", request)
        link.settimeout(PATIENCE)
        with link.makefile("rb") as incoming:
            self.handle_one(cast("BinaryIO", incoming), link.sendall)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, or a defect: a line of the log, and the next client."""
        import sys

        error = sys.exception()
        if not isinstance(error, (ConnectionError, TimeoutError)):
            self.say(f"<3>{type(error).__name__}: {error}")

    def shutdown_request(self, request: Any) -> None:
        """Close."""
        with self._lock:
            self._links.discard(cast("socket.socket", request))
        cast("socket.socket", request).close()


def lmtp(
    listener: socket.socket,
    name: str,
    take: Take,
    say: Say,
    *,
    longest: int = LONGEST,
    cut: bool = False,
    idle: bool = False,
) -> _Server:
    """Deliveries. A message of more than `longest` bytes ends the session; or it is `cut`, a little beyond them.

    `idle`: a stop ends sessions; what has come whole is answered.
    """

    def handle(incoming: BinaryIO, out: Callable[[bytes], None]) -> None:
        _Lmtp(incoming, out, name, take, say, longest, cut).run()

    return _Server(listener, handle, say, idle=idle)


class _Lmtp:
    """One session."""

    def __init__(
        self,
        incoming: BinaryIO,
        out: Callable[[bytes], None],
        name: str,
        take: Take,
        say: Say,
        longest: int,
        cut: bool,
    ) -> None:
        self.incoming, self.out, self.name, self.take, self.say = incoming, out, name, take, say
        self.longest, self.cut = longest, cut
        self.sender: str | None = None
        self.recipients: list[str] = []
        self.client = ""

    def reply(self, text: str) -> None:
        self.out(f"{text}\r\n".encode("ascii", "replace"))

    def run(self) -> None:
        self.reply(f"220 {self.name} LMTP")
        while line := self.incoming.readline(LINE):
            verb, _space, rest = line.decode("utf-8", "replace").strip().partition(" ")
            if not self.command(verb.upper(), rest.strip()):
                return

    def command(self, verb: str, rest: str) -> bool:
        """One command; False ends the session."""
        if verb == "LHLO":
            for line in (
                f"250-{self.name}",
                "250-8BITMIME",
                "250-SMTPUTF8",
                "250-PIPELINING",
                "250-XFORWARD ADDR",
                "250 ENHANCEDSTATUSCODES",
            ):
                self.reply(line)
        elif verb == "XFORWARD":
            self.client = _client(rest, self.client)
            self.reply("250 2.0.0 ok")
        elif verb == "MAIL":
            self.sender, self.recipients = _path(rest), []
            self.reply("250 2.1.0 ok")
        elif verb == "RCPT":
            self.recipients.append(_path(rest))
            self.reply("250 2.1.5 ok")
        elif verb == "DATA":
            return self.data()
        elif verb in ("RSET", "NOOP"):
            if verb == "RSET":
                self.sender, self.recipients = None, []
            self.reply("250 2.0.0 ok")
        elif verb == "QUIT":
            self.reply("221 2.0.0 bye")
            return False
        else:
            self.reply("500 5.5.1 no such command")
        return True

    def data(self) -> bool:
        """The message, and an answer for each recipient."""
        if self.sender is None or not self.recipients:
            self.reply("503 5.5.1 nobody to deliver to")
            return True
        self.reply("354 go on")
        message = self.message()
        if message is None:
            return False
        for recipient in self.recipients:
            self.reply(self.answer(recipient, message))
        self.sender, self.recipients, self.client = None, [], ""
        return True

    def message(self) -> bytes | None:
        """All lines up to the dot; None when the client went away or sends without end."""
        lines: list[bytes] = []
        size, begins = 0, True
        while line := self.incoming.readline(CHUNK):
            if begins and line in (b".\r\n", b".\n"):
                return b"".join(lines)
            if size <= self.longest:
                lines.append(line[1:] if begins and line.startswith(b".") else line)
            elif not self.cut:
                return None
            size += len(line)
            begins = line.endswith(b"\n")
        return None

    def answer(self, recipient: str, message: bytes) -> str:
        try:
            return self.take(Envelope(self.sender or "", recipient, self.client), message)
        except Exception as error:  # noqa: BLE001  # whatever it is, the message stays in Postfix's queue
            self.say(f"<3>to={recipient}: {type(error).__name__}: {error}")
            return LATER


def _path(rest: str) -> str:
    """The address of `FROM:<…>` or `TO:<…>`."""
    start, end = rest.find("<"), rest.rfind(">")
    return rest[start + 1 : end] if 0 <= start < end else ""


def _client(rest: str, default: str) -> str:
    """The address of `XFORWARD ADDR=…` (XFORWARD_README); `default` where this command says none."""
    words = dict(word.partition("=")[::2] for word in rest.split())
    address = {name.upper(): value for name, value in words.items()}.get("ADDR", default)
    if address.upper() == UNAVAILABLE:
        return ""
    return address[5:] if address.upper().startswith("IPV6:") else address


def policy(listener: socket.socket, ask: Ask, say: Say) -> _Server:
    """Postfix's questions (SMTPD_POLICY_README)."""

    def handle(incoming: BinaryIO, out: Callable[[bytes], None]) -> None:
        request: dict[str, str] = {}
        while line := incoming.readline(LINE):
            name, equals, value = line.decode("utf-8", "replace").rstrip("\r\n").partition("=")
            if equals:
                request[name] = value
                continue
            try:
                size = int(request.get("size") or 0)
                login = request.get("sasl_username", "")
                words = ask(request.get("sender", ""), request.get("recipient", ""), size, login)
            except Exception as error:  # noqa: BLE001  # whatever it is, the client comes again
                say(f"<3>asked about {request.get('recipient')}: {type(error).__name__}: {error}")
                words = LATER
            out(f"action={words or 'DUNNO'}\n\n".encode("ascii", "replace"))
            request = {}

    return _Server(listener, handle, say, idle=True)


def control(listener: socket.socket, acts: Mapping[str, Callable[[Mapping[str, str]], Any]], say: Say) -> _Server:
    """Questions of root: a JSON line each, `act` and what it needs; the answer is `done` or `error`. See `ask`."""

    def handle(incoming: BinaryIO, out: Callable[[bytes], None]) -> None:
        while line := incoming.readline(LINE):
            try:
                request = json.loads(line)
                answer = {"done": acts[request["act"]](request)}
            except Exception as error:  # noqa: BLE001  # told to the caller
                answer = {"error": f"{type(error).__name__}: {error}"}
            out(json.dumps(answer, ensure_ascii=False).encode() + b"\n")

    return _Server(listener, handle, say, idle=True)


def ask(path: Path, act: str, words: Mapping[str, Any], patience: float = 60) -> Any:
    """Ask a daemon of this host by its `control`. Raises InputError with its words, OSError when it is not there."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(patience)
        link.connect(str(path))
        link.sendall(json.dumps({**words, "act": act}).encode() + b"\n")
        with link.makefile("rb") as answers:
            answer = json.loads(answers.readline())
    if "error" in answer:
        raise InputError(str(answer["error"]))
    return answer.get("done")
