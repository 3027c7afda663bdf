"""A gateway of text messages for the lab's Internet: it takes messages over HTTPS and keeps them (role world_sms).

Usage: world-sms PORT. POST /v1/messages, with `Authorization: Bearer TOKEN` and {"recipient", "content", "sender"} as
JSON, is answered by 202, and the message is a line of JSON in `messages`. A number that ends in 00500 is answered by
500, one that ends in 00000 by nothing: so a test has a gateway that fails, beside those that need one that works.
Nothing of a message is logged.
"""

from __future__ import annotations

import hmac
import http.server
import json
import os
import re
import ssl
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

PATH = "/v1/messages"
FAILS, HANGS_UP = "00500", "00000"
"""Ends of numbers that find a gateway in trouble."""
_MOST = 4096
_NUMBER = re.compile(r"\+[1-9][0-9]{7,14}")
_KEYS = {"recipient", "content", "sender"}


class Server(http.server.ThreadingHTTPServer):
    """The gateway; `context` is None in unit tests alone."""

    def __init__(self, address: tuple[str, int], token: str, store: Path, context: ssl.SSLContext | None) -> None:
        super().__init__(address, Handler)
        self.token, self.store = token, store
        if context:
            # The handshake belongs to the thread of the connection: else whoever says nothing holds all others up.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Name the error alone: a traceback could hold a message."""
        print(f"a request failed: {sys.exc_info()[0]}", file=sys.stderr)

    def keep(self, message: dict[str, str]) -> None:
        """Add one message, in one write."""
        line = json.dumps({"at": datetime.now(UTC).isoformat(), **message}, ensure_ascii=False) + "\n"
        descriptor = os.open(self.store, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


class Handler(http.server.BaseHTTPRequestHandler):
    """One message."""

    server: Server
    timeout = 15

    def do_POST(self) -> None:
        """Take a message."""
        authorization = self.headers.get("Authorization", "")
        if not hmac.compare_digest(authorization.encode(), f"Bearer {self.server.token}".encode()):
            self._answer(HTTPStatus.UNAUTHORIZED)
            return
        message = self._message()
        if self.path != PATH or message is None:
            self._answer(HTTPStatus.NOT_FOUND if self.path != PATH else HTTPStatus.BAD_REQUEST)
        elif message["recipient"].endswith(FAILS):
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR)
        elif message["recipient"].endswith(HANGS_UP):
            self.close_connection = True
        else:
            self.server.keep(message)
            self._answer(HTTPStatus.ACCEPTED)

    def _message(self) -> dict[str, str] | None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _MOST:
            return None
        try:
            message = json.loads(self.rfile.read(int(length)))
        except ValueError:
            return None
        right = (
            isinstance(message, dict)
            and set(message) == _KEYS
            and all(isinstance(one, str) for one in message.values())
        )
        return message if right and _NUMBER.fullmatch(message["recipient"]) and message["content"] else None

    def _answer(self, status: HTTPStatus) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_words: Any) -> None:
        """Log nothing."""


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != 1 or not words[0].isdecimal():
        print("usage: world-sms PORT", file=sys.stderr)
        return 2
    handed, store = Path(os.environ["CREDENTIALS_DIRECTORY"]), Path(os.environ["STATE_DIRECTORY"])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(handed / "chain.pem", handed / "key.pem")
    token = (handed / "token").read_text("utf-8").strip()
    with Server(("", int(words[0])), token, store / "messages", context) as server:
        server.serve_forever()
    return 0
