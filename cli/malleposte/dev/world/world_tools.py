"""Tools of others for the lab's Internet: they judge requests by the published references, and keep what they took.

Usage: world-tools PORT. It stands behind the world's web server (role world_tools), for its name. All that it takes are
lines of JSON in `taken`: the tool, the place (list, page, hook, room) and the content. The place of a test says by its
first letters how the tool behaves: `busy` answers 429 once and asks for two seconds, `down` 503 twice, `gone` that the
access has ended, `huge` by 4 MB, `move` by a redirect elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import os
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

Reply = tuple[int, dict[str, str], bytes]
Taken = tuple[str, str, Any]
"""Tool, place, content."""
_MOST = 65_536
SECRET = f"whsec_{base64.b64encode(b'w' * 32).decode()}"
"""The secret of every webhook here."""
SKEW = 300.0
"""Seconds by which the time of a webhook may differ (Standard Webhooks)."""
_ROOM = r"/_matrix/client/v3/rooms/([^/]{1,300})/send/m\.room\.message/([^/]{1,100})"


class WrongError(Exception):
    """A request that is none by the reference. The argument is the status."""


def judged(method: str, path: str, headers: Mapping[str, str], body: bytes, now: float) -> Taken:
    """The content of a request, by its tool's reference. `headers` by names in small letters. Raises WrongError."""
    if method == "POST" and path == "/1/cards":
        return _trello(headers, body)
    if method == "POST" and path == "/v1/pages":
        return _notion(headers, body)
    if method == "POST" and (match := re.fullmatch(r"/services/(T\w+/B\w+/\w+)", path)):
        message = _json(headers, body)
        _right(isinstance(message.get("text"), str) and all(one.get("type") == "section" for one in message["blocks"]))
        return "slack", match[1], message
    if method == "POST" and (match := re.fullmatch(r"/hooks/([a-z0-9]{26})", path)):
        message = _json(headers, body)
        _right(isinstance(message.get("text"), str) and message["text"] != "")
        return "mattermost", match[1], message
    if method == "PUT" and (match := re.fullmatch(_ROOM, path)):
        return _matrix(unquote(match[1]), headers, body)
    if method == "POST" and (match := re.fullmatch(r"/appels/([a-z0-9]{1,60})", path)):
        return _webhook(match[1], headers, body, now)
    raise WrongError(404)


def _right(is_right: bool, status: int = 400) -> None:
    if not is_right:
        raise WrongError(status)


def _json(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    _right(headers.get("content-type", "").startswith("application/json"))
    try:
        message = json.loads(body)
    except ValueError:
        raise WrongError(400) from None
    _right(isinstance(message, dict))
    return dict(message)


def _trello(headers: Mapping[str, str], body: bytes) -> Taken:
    form = r'OAuth oauth_consumer_key="[0-9a-f]{32}", oauth_token="\w{64,200}"'
    _right(re.fullmatch(form, headers.get("authorization", "")) is not None, 401)
    fields = {name: values[0] for name, values in parse_qs(body.decode(), strict_parsing=True).items()}
    _right(set(fields) <= {"idList", "name", "desc", "pos", "due", "urlSource"})
    _right(re.fullmatch("[0-9a-f]{24}", fields.get("idList", "")) is not None)
    _right(0 < len(fields.get("name", "")) <= 16_384)
    return "trello", fields["idList"], fields


def _notion(headers: Mapping[str, str], body: bytes) -> Taken:
    _right(re.fullmatch(r"Bearer (ntn|secret)_\w+", headers.get("authorization", "")) is not None, 401)
    _right(headers.get("notion-version") == "2022-06-28")
    page = _json(headers, body)
    texts = [page["properties"]["title"]["title"][0]["text"]["content"]]
    texts += [one[one["type"]]["rich_text"][0]["text"]["content"] for one in page["children"]]
    _right(set(page) == {"parent", "properties", "children"} and all(len(text) <= 2000 for text in texts))
    return "notion", page["parent"]["page_id"], page


def _matrix(room: str, headers: Mapping[str, str], body: bytes) -> Taken:
    _right(headers.get("authorization", "").startswith("Bearer "), 401)
    _right(room.startswith("!"))
    content = _json(headers, body)
    _right(content.get("msgtype") == "m.text" and isinstance(content.get("body"), str))
    _right(content.get("format") == "org.matrix.custom.html" and isinstance(content.get("formatted_body"), str))
    return "matrix", room.removeprefix("!"), content


def _webhook(place: str, headers: Mapping[str, str], body: bytes, now: float) -> Taken:
    ident, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    _right(bool(ident) and moment.isdecimal() and abs(now - int(moment)) < SKEW)
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    signature = hmac.new(key, f"{ident}.{moment}.".encode() + body, hashlib.sha256).digest()
    _right(hmac.compare_digest(headers.get("webhook-signature", ""), f"v1,{base64.b64encode(signature).decode()}"), 401)
    return "webhook", place, _json(headers, body)


class Server(http.server.ThreadingHTTPServer):
    """The tools."""

    def __init__(self, address: tuple[str, int], store: Path) -> None:
        super().__init__(address, Handler)
        self.store, self.asked, self.lock = store, Counter[str](), threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Name the error alone."""
        print(f"a request failed: {sys.exc_info()[0]}", file=sys.stderr)

    def answer(self, taken: Taken) -> Reply:
        """The reply to a right request, as its place asks for it."""
        tool, place, content = taken
        with self.lock:
            self.asked[place] += 1
            times = self.asked[place]
        if place.startswith("busy") and times == 1:
            return 429, {"Retry-After": "2"}, b""
        if place.startswith("down") and times <= 2:
            return 503, {}, b""
        if place.startswith("gone"):
            return 401 if tool == "matrix" else 404, {}, b'{"errcode": "M_UNKNOWN_TOKEN"}'
        if place.startswith("move"):
            return 307, {"Location": "https://mta-sts.lointain.test/"}, b""
        line = json.dumps({"tool": tool, "place": place, "content": content, "at": time.time()}) + "\n"
        with self.lock:
            descriptor = os.open(self.store, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, line.encode())
            finally:
                os.close(descriptor)
        return 200, {}, b"x" * (4 << 20) if place.startswith("huge") else b"{}"


class Handler(http.server.BaseHTTPRequestHandler):
    """One request."""

    server: Server
    timeout = 30

    def do_POST(self) -> None:
        """Take one."""
        length = self.headers.get("Content-Length", "")
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply: Reply
        try:
            _right(length.isdecimal() and int(length) <= _MOST, 413)
            body = self.rfile.read(int(length))
            reply = self.server.answer(judged(self.command, self.path, headers, body, time.time()))
        except WrongError as error:
            reply = (error.args[0], {}, b"")
        except (KeyError, TypeError, IndexError, ValueError):
            reply = (400, {}, b"")
        self.send_response(reply[0])
        for name, value in {**reply[1], "Content-Length": str(len(reply[2]))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply[2])

    do_PUT = do_POST  # noqa: N815  # the base class calls it so

    def log_message(self, *_words: Any) -> None:
        """Log nothing."""


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != 1 or not words[0].isdecimal():
        print("usage: world-tools PORT", file=sys.stderr)
        return 2
    with Server(("127.0.0.1", int(words[0])), Path(os.environ["STATE_DIRECTORY"]) / "taken") as server:
        server.serve_forever()
    return 0
