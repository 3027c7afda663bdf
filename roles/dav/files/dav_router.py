#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say who asks for an agenda or an address book, and which service holds it. nginx asks before it hands a request on.

The password is proved by Dovecot over its auth socket, with the client's own address: the same states of an account,
the same cache, the same delays and lock-outs as for mail. Nothing is kept here but digests of refusals, under a key
that dies with the process, so that the same wrong password of one address counts once in what fail2ban reads.

Requests come over a Unix socket, with the client's address in ``X-Real-IP``. Questions have the path ``/TREE``, where
TREE is ``root`` or the name of a back end, and the headers ``Authorization`` (Basic) and ``X-Original-URI``. Answers:

200  ``X-Dav-User`` (uid), ``X-Dav-Path`` (to ask the back end), ``X-Dav-Route``: a back end, or ``moved`` (the agent's
     tree of another back end: look again from the root), or ``gone`` (something inside it)
401  not proved; unknown and refused are alike
503  Dovecot gives no answer: no client must take that for a wrong password

``POST /log-in`` is what SOGo's page sends: JSON with ``userName`` and ``password``. When they are right the answer
sends nginx on to ``@sogo_login``, with the body for SOGo in ``X-Door-Body``: written here from what was proved, since
another reader of the same JSON may find another name in it. A refusal (403, 503) is in the words of that page.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import binascii
import contextlib
import hashlib
import ipaddress
import json
import logging
import os
import re
import socket
import sys
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

LOG = logging.getLogger("dav-router")
LONGEST = 32_768  # bytes of a request's head
LONGEST_BODY = 4_096  # bytes of a log-in; in the answer's head it may take three times that
CONCURRENT = 512  # questions to Dovecot at once
PATIENCE = 40.0  # seconds for Dovecot's answer: after many failures of an address it takes its time
REMEMBERED = 10_000  # refusals
ONCE = 600.0  # seconds within which the same refusal is written once
FIRST_FD = 3  # of systemd's socket (sd_listen_fds(3))
CHALLENGE = 'WWW-Authenticate: Basic realm="Agenda et contacts", charset="UTF-8"'
ESCAPES = {"\x01": "\x011", "\t": "\x01t", "\r": "\x01r", "\n": "\x01n", "\0": "\x010"}
UNESCAPES = {value[1]: key for key, value in ESCAPES.items()}
WRONG = 65535  # SOGo's PolicyNoError, which its page shows as a wrong name or password
UNSURE = "Le service ne répond pas: réessayez dans quelques minutes. No answer: try again in some minutes."
SAFE_UID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]*")


class Unsure(Exception):
    """Dovecot could not tell."""


class Refused(Exception):
    """Dovecot says no. The text is for who tries; it is empty unless a delay is the reason."""


@dataclass(frozen=True)
class BackEnd:
    """Where a service shows an agent's tree: ``prefix/uid/``, and in it the ``homes`` of collections."""

    prefix: str
    homes: tuple[str, ...] = ()

    def root(self, uid: str) -> str:
        """The agent's own tree."""
        return f"{self.prefix}/{quote(uid)}/"

    def entrances(self, uid: str) -> set[str]:
        """The addresses that a client looks up to find collections, decoded, without the slash at their end."""
        root = f"{self.prefix}/{uid}"
        return {root, *(f"{root}/{home}" for home in self.homes)}


@dataclass(frozen=True)
class Settings:
    """Back ends by name; the one of each profile; Dovecot's socket."""

    backends: Mapping[str, BackEnd]
    profiles: Mapping[str, str]
    default: str
    auth_socket: str

    @classmethod
    def read(cls, path: Path) -> Settings:
        """From a JSON file. Raises ValueError with what is wrong."""
        given = json.loads(path.read_text())
        backends = {name: BackEnd(entry["prefix"], tuple(entry.get("homes", ())))
                    for name, entry in given["backends"].items()}
        for name, backend in backends.items():
            if name in ("root", "moved", "gone") or not re.fullmatch(r"[a-z]+", name):
                raise ValueError(f"back end {name!r}: not a name")
            if not re.fullmatch(r"(/[A-Za-z0-9._-]+)+", backend.prefix):
                raise ValueError(f"back end {name}: prefix cannot be {backend.prefix!r}")
        for profile, name in [*given["profiles"].items(), ("default", given["default"])]:
            if name not in backends:
                raise ValueError(f"profile {profile}: no back end is called {name!r}; known: {', '.join(backends)}")
        return cls(backends, given["profiles"], given["default"], given["auth_socket"])


@dataclass(frozen=True)
class Agent:
    """Whom Dovecot has recognised."""

    uid: str
    profile: str


def escape(text: str) -> str:
    """A value of Dovecot's protocol, in which a tab separates."""
    return "".join(ESCAPES.get(char, char) for char in text)


def unescape(text: str) -> str:
    """The inverse of `escape`."""
    return re.sub("\x01(.)", lambda found: UNESCAPES.get(found[1], found[1]), text)


def credentials(header: str) -> tuple[bytes, bytes] | None:
    """Name and password of a Basic header (RFC 7617), or None.

    Neither may be empty or hold a NUL, which separates in SASL PLAIN.
    """
    scheme, _blank, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(value.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    if not colon or not name or not password or b"\0" in name + password:
        return None
    return name, password


def typed(body: bytes) -> tuple[bytes, bytes, dict[str, object]] | None:
    """Name, password and the harmless rest of what SOGo's page sends, or None. Raises ValueError: not JSON."""
    given = json.loads(body)
    name, password = (given.get("userName"), given.get("password")) if isinstance(given, dict) else (None, None)
    if not isinstance(name, str) or not isinstance(password, str):
        return None
    if not name or not password or "\0" in name + password:
        return None
    rest = {key: given[key] for key in ("language", "rememberLogin", "verificationCode")
            if isinstance(given.get(key), str | int)}
    return name.encode(), password.encode(), rest


class Dovecot:
    """The auth protocol, one connection a question: Dovecot's answer is never older than its own cache."""

    def __init__(self, path: str) -> None:
        """Nothing is opened yet."""
        self.path = path
        self.room = asyncio.Semaphore(CONCURRENT)

    async def prove(self, name: bytes, password: bytes, address: str) -> Agent:
        """The agent. Raises Refused, Unsure."""
        async with self.room:
            try:
                return await asyncio.wait_for(self._ask(name, password, address), PATIENCE)
            except (OSError, EOFError, ValueError, TimeoutError) as error:
                raise Unsure(f"{type(error).__name__}: {error}") from error

    async def _ask(self, name: bytes, password: bytes, address: str) -> Agent:
        reader, writer = await asyncio.open_unix_connection(self.path)
        try:
            response = base64.b64encode(b"\0" + name + b"\0" + password).decode()
            question = ["AUTH", "1", "PLAIN", "service=dav", "secured", f"rip={escape(address)}", "lport=443",
                        f"resp={response}"]
            writer.write(f"VERSION\t1\t2\nCPID\t{os.getpid()}\n".encode() + "\t".join(question).encode() + b"\n")
            await writer.drain()
            while line := await reader.readline():
                words = line.decode().rstrip("\n").split("\t")
                if words[0] == "VERSION" and words[1] != "1":
                    raise Unsure(f"Dovecot speaks version {words[1]}")
                if words[0] in ("OK", "FAIL", "CONT") and words[1] == "1":
                    return self._read(words[0], words[2:])
            raise EOFError("closed")
        finally:
            writer.close()

    @staticmethod
    def _read(verdict: str, words: list[str]) -> Agent:
        told = {key: unescape(value) for key, _sign, value in (word.partition("=") for word in words)}
        if verdict != "OK":
            if "temp" in told:
                raise Unsure("the directory does not answer")
            raise Refused(told.get("reason", ""))
        uid = told.get("user", "")
        if not SAFE_UID.fullmatch(uid):
            raise Unsure(f"not a uid: {uid!r}")
        return Agent(uid, told.get("profile", ""))


@dataclass
class Refusals:
    """Which refusals were written lately. Only keyed digests are kept."""

    key: bytes = field(default_factory=lambda: os.urandom(32))
    seen: OrderedDict[bytes, float] = field(default_factory=OrderedDict)

    def new(self, address: str, name: bytes, password: bytes, now: float) -> bool:
        """Whether this is to be written; it is then remembered."""
        told = b"\0".join([address.encode(), name.lower(), password])
        digest = hashlib.blake2b(told, key=self.key, digest_size=16).digest()
        while self.seen and (len(self.seen) > REMEMBERED or next(iter(self.seen.values())) < now - ONCE):
            self.seen.popitem(last=False)
        if digest in self.seen:
            return False
        self.seen[digest] = now
        return True


Answer = tuple[int, list[str], bytes]
"""Status, headers, body."""


def peer(headers: Mapping[str, str]) -> str:
    """The client's address as nginx tells it; empty when it does not."""
    try:
        return str(ipaddress.ip_address(headers.get("x-real-ip", "")))
    except ValueError:
        return ""


def shown(status: int, reason: int | str) -> Answer:
    """A refusal as SOGo's page reads it: a number that it knows, or a text that it shows."""
    body = json.dumps({"LDAPPasswordPolicyError": reason, "additionalInfos": {}})
    return status, ["Content-Type: application/json", "Cache-Control: no-store"], body.encode()


class Router:
    """From a request to an answer."""

    def __init__(self, settings: Settings) -> None:
        """For one platform."""
        self.settings = settings
        self.dovecot = Dovecot(settings.auth_socket)
        self.refusals = Refusals()

    def route(self, agent: Agent, tree: str, uri: str) -> tuple[str, str]:
        """Where an agent's request goes, and the path to ask there."""
        name = self.settings.profiles.get(agent.profile, self.settings.default)
        if tree == "root":
            return name, self.settings.backends[name].root(agent.uid)
        if tree == name:
            return name, uri
        path = unquote(uri.partition("?")[0]).rstrip("/")
        return ("moved" if path in self.settings.backends[tree].entrances(agent.uid) else "gone"), "/"

    async def prove(self, name: bytes, password: bytes, address: str) -> Agent:
        """The agent. Raises Refused, Unsure; both are in the journal."""
        try:
            return await self.dovecot.prove(name, password, address)
        except Unsure as error:
            LOG.error("no answer from Dovecot: %s", error)
            raise
        except Refused:
            if self.refusals.new(address, name, password, time.monotonic()):
                # The name is what the client sent; printable, and before the address, which is the last word.
                LOG.warning("refused: user=<%s>, rip=%s", ascii(name.decode("latin-1"))[1:-1][:100], address)
            raise

    async def answer(self, tree: str, headers: Mapping[str, str]) -> Answer:
        """Who asks, and where the request goes."""
        uri = headers.get("x-original-uri", "")
        address = peer(headers)
        if not address or not uri.startswith("/") or (tree != "root" and tree not in self.settings.backends):
            return 400, [], b""
        given = credentials(headers.get("authorization", ""))
        if given is None:
            return 401, [CHALLENGE], b""
        try:
            agent = await self.prove(*given, address)
        except Unsure:
            return 503, [], b""
        except Refused:
            return 401, [CHALLENGE], b""
        where, path = self.route(agent, tree, uri)
        return 200, [f"X-Dav-User: {agent.uid}", f"X-Dav-Route: {where}", f"X-Dav-Path: {path}"], b""

    async def log_in(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """What SOGo's page has sent: on to SOGo, or a refusal that the page can show."""
        address = peer(headers)
        try:
            given = typed(body)
        except (ValueError, RecursionError):
            return 400, [], b""
        if not address:
            return 400, [], b""
        if given is None:
            return shown(403, WRONG)
        try:
            agent = await self.prove(*given[:2], address)
        except Unsure:
            return shown(503, UNSURE)
        except Refused as refusal:
            return shown(403, str(refusal) or WRONG)
        # SOGo is told the uid that Dovecot found, so that it cannot understand the name in another way.
        proved = {**given[2], "userName": agent.uid, "password": given[1].decode()}
        return 200, ["X-Accel-Redirect: @sogo_login", f"X-Door-Body: {json.dumps(proved)}"], b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one question."""
        try:
            status, found, body = await self._question(reader)
            head = [f"HTTP/1.1 {status} -", f"Content-Length: {len(body)}", "Connection: close", *found]
            writer.write(("\r\n".join(head) + "\r\n\r\n").encode("latin-1") + body)
            await writer.drain()
        except (OSError, EOFError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _question(self, reader: asyncio.StreamReader) -> Answer:
        text = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode("latin-1")
        first, *lines = text.rstrip("\r\n").split("\r\n")
        parts = first.split(" ")
        if len(parts) != 3 or not parts[1].startswith("/"):
            return 400, [], b""
        fields = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _colon, value in fields}
        if parts[1].partition("?")[0] != "/log-in":
            return await self.answer(parts[1][1:], headers)
        if parts[0] != "POST":
            return 405, ["Allow: POST"], b""
        length = headers.get("content-length", "")
        if not re.fullmatch("[0-9]{1,9}", length) or int(length) > LONGEST_BODY:
            return 413, [], b""
        return await self.log_in(headers, await asyncio.wait_for(reader.readexactly(int(length)), 10))


async def run(settings: Settings) -> None:
    """Answer on the socket that systemd hands over."""
    handed = socket.socket(fileno=FIRST_FD)
    server = await asyncio.start_unix_server(Router(settings).serve, sock=handed, limit=LONGEST)
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
        settings = Settings.read(options.settings)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        print(f"{options.settings}: {error}", file=sys.stderr)
        return 1
    if not options.check:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(run(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
