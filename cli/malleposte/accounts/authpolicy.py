"""The daemon that Dovecot asks before it proves a password, and tells afterwards (its `auth_policy_*` settings).

HTTP on a loopback socket that systemd hands over, since Dovecot knows no other way: `POST /?command=allow` answers
`{"status": 0}` to go on and `{"status": -1, "msg": …}` to refuse unproved; `POST /?command=report` says how it ended.
Each carries the key of the header `X-API-Key`. One question to Valkey a request; without Valkey everybody goes on.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hmac
import json
import logging
import math
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from malleposte.accounts.throttle import Settings, Throttle

LOG = logging.getLogger("auth-policy")
FIRST_FD = 3  # of systemd's socket (sd_listen_fds(3))
LONGEST = 16_384  # bytes of a request's head, and of its body
IDLE = 60.0  # seconds without a request after which a connection ends
GO_ON = b'{"status":0,"msg":""}'
# Told to whoever tries, in the one line that IMAP has; clients show it as it is.
WAIT = "Trop d'essais: patientez {seconds} s. Too many tries: wait {seconds} s."


@dataclass(frozen=True)
class Config:
    """The throttle's settings and the key that Dovecot shows."""

    throttle: Settings
    api_key: str

    @classmethod
    def read(cls, path: Path) -> Config:
        """From a JSON file: the throttle's settings and `api_key`. Raises OSError, or ValueError."""
        given = json.loads(path.read_text("utf-8"))
        if not isinstance(given, dict) or len(str(given.get("api_key", ""))) < 16:
            raise ValueError("api_key has less than 16 characters")
        return cls(Settings.of({k: v for k, v in given.items() if k != "api_key"}), str(given["api_key"]))


def judge(throttle: Throttle, command: str, told: Mapping[str, Any]) -> bytes:
    """The answer to one request of Dovecot. Raises ValueError on one that is not Dovecot's."""
    name, address, known_by = (str(told.get(field, "")) for field in ("login", "remote", "pwhash"))
    if command == "allow":
        verdict = throttle.judge(name, address, known_by)
        if not verdict.wait:
            return GO_ON
        # Known to be wrong: refused as it was before, in Dovecot's own words.
        message = "" if verdict.known_wrong else WAIT.format(seconds=math.ceil(verdict.wait))
        return json.dumps({"status": -1, "msg": message}).encode()
    if command != "report":
        raise ValueError(f"not a command: {command[:40]!r}")
    if told.get("success") is True:
        throttle.succeeded(name, address)
    elif told.get("policy_reject") is not True:
        # `account`: no such account that may log in, nothing was proved; it counts, but may be tried again.
        kind = str(told.get("fail_type", ""))
        if kind == "internal":
            throttle.undo_digest(name, address, known_by)
        elif kind == "credentials":
            throttle.failed_digest(name, address, known_by)
    return GO_ON


class Server:
    """Requests of Dovecot, over connections that stay open."""

    def __init__(self, config: Config, throttle: Throttle | None = None) -> None:
        """`throttle` is the tests' to give."""
        self.key = config.api_key.encode()
        self.throttle = throttle or Throttle(config.throttle)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, EOFError, asyncio.LimitOverrunError, TimeoutError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection stays open."""
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), IDLE)
        first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _colon, value in (x.partition(":") for x in lines)}
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > LONGEST:
            status, body, stays = 413, b"", False
        else:
            content = await asyncio.wait_for(reader.readexactly(int(length)), IDLE)
            status, body = self.answer(first, headers, content)
            stays = headers.get("connection", "").lower() != "close"
        told = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(told.encode() + body)
        await writer.drain()
        return stays

    def answer(self, first: str, headers: Mapping[str, str], content: bytes) -> tuple[int, bytes]:
        """Status and body."""
        words = first.split(" ")
        if len(words) != 3 or words[0] != "POST":
            return 400, b""
        if not hmac.compare_digest(headers.get("x-api-key", "").encode(), self.key):
            return 403, b""
        try:
            told = json.loads(content)
            if not isinstance(told, dict):
                raise ValueError("not an object")
            return 200, judge(self.throttle, words[1].rpartition("command=")[2], told)
        except ValueError as error:
            LOG.warning("a request is not understood: %s", error)
            return 400, b""


async def run(config: Config) -> None:
    """Answer on the socket that systemd hands over."""
    server = await asyncio.start_server(Server(config).serve, sock=socket.socket(fileno=FIRST_FD), limit=LONGEST)
    async with server:
        await server.serve_forever()


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("settings", type=Path)
    parser.add_argument("--check", action="store_true", help="read the settings and stop")
    options = parser.parse_args()
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    try:
        config = Config.read(options.settings)
    except (OSError, ValueError) as error:
        print(f"{options.settings}: {error}", file=sys.stderr)
        return 1
    if not options.check:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(run(config))
    return 0


if __name__ == "__main__":
    sys.exit(main())
