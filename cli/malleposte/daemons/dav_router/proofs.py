"""Proofs: Dovecot checks a password over its auth socket."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import os
import re
from collections import OrderedDict
from dataclasses import dataclass, field

from malleposte.platform import identity

CONCURRENT = 512  # questions to Dovecot at once
PATIENCE = 40.0  # seconds for Dovecot's answer: after many failures of an address it takes its time
REMEMBERED = 10_000  # refusals
ONCE = 600.0  # seconds within which the same refusal is written once
ESCAPES = {"\x01": "\x011", "\t": "\x01t", "\r": "\x01r", "\n": "\x01n", "\0": "\x010"}
UNESCAPES = {value[1]: key for key, value in ESCAPES.items()}
SAFE_UID = re.compile(identity.FORM)


class Unsure(Exception):
    """Dovecot or the provider could not tell."""


class Refused(Exception):
    """Dovecot or the provider says no. Dovecot's text is for who tries; it is empty unless a delay is the reason."""


@dataclass(frozen=True)
class Agent:
    """An agent whom Dovecot has recognised."""

    uid: str
    profile: str


def escape(text: str) -> str:
    """A value of Dovecot's protocol, in which a tab separates."""
    return "".join(ESCAPES.get(char, char) for char in text)


def unescape(text: str) -> str:
    """The inverse of `escape`."""
    return re.sub("\x01(.)", lambda match: UNESCAPES.get(match[1], match[1]), text)


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


def bearer(header: str) -> bytes | None:
    """The token of a Bearer header (RFC 6750, 2.1), or None."""
    match = re.fullmatch(r"[Bb]earer +([A-Za-z0-9._~+/-]+=*)", header.strip())
    return match[1].encode() if match else None


def password_proof(name: bytes, password: bytes) -> tuple[str, bytes]:
    """Mechanism and response (RFC 4616)."""
    return "PLAIN", b"\0" + name + b"\0" + password


def token_proof(name: bytes, token: bytes) -> tuple[str, bytes]:
    """Mechanism and response: a token of the log-in page with the scope of mail."""
    return "XOAUTH2", b"user=" + name + b"\x01auth=Bearer " + token + b"\x01\x01"


class Dovecot:
    """The auth protocol, one connection a question: Dovecot's answer is never older than its own cache."""

    def __init__(self, path: str) -> None:
        """Nothing is opened yet."""
        self.path = path
        self.room = asyncio.Semaphore(CONCURRENT)

    async def prove(self, proof: tuple[str, bytes], address: str, client: str) -> Agent:
        """The agent of a `proof`: mechanism and response. `client` names device or webmail. Raises Refused, Unsure."""
        async with self.room:
            try:
                return await asyncio.wait_for(self._ask(*proof, address, client), PATIENCE)
            except (OSError, EOFError, ValueError, TimeoutError) as error:
                raise Unsure(f"{type(error).__name__}: {error}") from error

    async def _ask(self, mechanism: str, response: bytes, address: str, client: str) -> Agent:
        reader, writer = await asyncio.open_unix_connection(self.path)
        try:
            question = [
                "AUTH",
                "1",
                mechanism,
                "service=dav",
                "secured",
                f"rip={escape(address)}",
                "lport=443",
                f"client_id={escape(client)}",
                f"resp={base64.b64encode(response).decode()}",
            ]
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
        fields = {key: unescape(value) for key, _sign, value in (word.partition("=") for word in words)}
        if verdict != "OK":
            if "temp" in fields:
                raise Unsure("the directory does not answer")
            raise Refused(fields.get("reason", ""))
        uid = fields.get("user", "")
        if not SAFE_UID.fullmatch(uid):
            raise Unsure(f"not a uid: {uid!r}")
        return Agent(uid, fields.get("profile", ""))


@dataclass
class Refusals:
    """The refusals that were logged lately. Only keyed digests are kept."""

    key: bytes = field(default_factory=lambda: os.urandom(32))
    seen: OrderedDict[bytes, float] = field(default_factory=OrderedDict)

    def new(self, address: str, name: bytes, password: bytes, now: float) -> bool:
        """Whether this is to be written; it is then remembered."""
        data = b"\0".join([address.encode(), name.lower(), password])
        digest = hashlib.blake2b(data, key=self.key, digest_size=16).digest()
        while self.seen and (len(self.seen) > REMEMBERED or next(iter(self.seen.values())) < now - ONCE):
            self.seen.popitem(last=False)
        if digest in self.seen:
            return False
        self.seen[digest] = now
        return True
