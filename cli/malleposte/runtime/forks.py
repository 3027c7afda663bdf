"""Answer each connection of a socket in a process of its own, a copy of one that has the program loaded (fork(2)).

What strangers write meets its parser in a process that ends with its question, as one that systemd starts for each
connection would (`Accept=yes`). That costs a start of the program for each question, 0.1 s of processor and more; a
copy costs a few milliseconds.
"""

from __future__ import annotations

import gc
import signal
import socket
import socketserver
import sys
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO, cast

from malleposte.runtime import kit

Answer = Callable[[BinaryIO], bytes]
"""A connection, to be read -> what it is answered."""


class _Server(socketserver.ForkingMixIn, socketserver.BaseServer):
    """Takes connections of a socket that systemd opened, one process each."""

    def __init__(self, listener: socket.socket, answer: Answer, seconds: float, idle: float) -> None:
        super().__init__("", socketserver.BaseRequestHandler)
        self.socket, self.answer, self.seconds = listener, answer, seconds
        self.timeout = idle
        self.over = False

    def fileno(self) -> int:
        """For select."""
        return self.socket.fileno()

    def get_request(self) -> tuple[socket.socket, Any]:
        """The next connection."""
        return self.socket.accept()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Answer, in the copy."""
        self.socket.close()
        # The default act of this signal ends the process, whatever its program does and however its client dawdles.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, self.seconds)
        link = cast("socket.socket", request)
        with link.makefile("rb") as incoming:
            link.sendall(self.answer(cast("BinaryIO", incoming)))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, or a defect: a line of the journal that names its place, and the next client."""
        error = sys.exception()
        if error and not isinstance(error, (ConnectionError, TimeoutError)):
            place = traceback.extract_tb(error.__traceback__)[-1]
            kit.say(f"<3>{type(error).__name__} at {place.filename}:{place.lineno}")

    def close_request(self, request: Any) -> None:
        """Close it here; the copy has its own."""
        cast("socket.socket", request).close()

    def handle_timeout(self) -> None:
        """Nobody came: the end, unless something is under way."""
        super().handle_timeout()
        self.over = not self.active_children


def serve(listener: socket.socket, answer: Answer, *, most: int, seconds: float, idle: float) -> None:
    """Answer until nobody came for `idle` seconds, at most so many at once; others wait in the socket.

    `seconds` bound the whole of one answer, waits for its client included. How much memory a process may take
    is its unit's to say (`LimitDATA=`): all have the same bound.
    """
    gc.collect()
    gc.freeze()  # what is loaded is never looked through again, and so stays shared
    with _Server(listener, answer, seconds, idle) as server:
        server.max_children = most
        while not server.over:
            server.handle_request()
            server.service_actions()
