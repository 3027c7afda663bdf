"""Delays against guessed passwords, per account and source network, so that nobody can lock anybody else out.

A try is counted when it is made, before its password is proved, so that a thousand at once count as a thousand. A few
wrong passwords are free; then each waits twice as long as the one before, up to a limit. The same wrong password again
counts once: an old telephone is no attack. It is not proved again for a while either, so that the directory's own count
(ppolicy, the backstop) cannot be driven up from one network. The right password forgets everything of that network.

The state lies in Valkey, under keyed digests of names and networks, and goes by itself. Passwords are known by a digest
of few bits under a secret (Dovecot's `auth_policy_hash_*`): enough to tell two tries apart, too little to find one.
Where Valkey does not answer, nothing waits. Standard library alone: this also runs in the daemon that Dovecot asks.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import ipaddress
import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

LOG = logging.getLogger("throttle")
PREFIX = "throttle"
PATIENCE = 0.25  # seconds for an answer of Valkey
PAUSE = 2.0  # seconds without a question after it gave none
FAILED_FOR = 300  # seconds within which a wrong password is not proved again (ppolicy counts failures as long)
TOGETHER = 20  # proofs of one password at once: a mail program opens several connections
LONGEST = 1024  # characters of a name that are looked at
SCAN = 1000  # keys a question, when an account is forgotten

# One try. KEYS: the account in its network. ARGV: digest, free, base, most, forget, FAILED_FOR, TOGETHER. Fields: n
# (different passwords so far), next (when one more may be tried), d:DIGEST ("p" and how many proofs are under way, or
# "f" and when it failed). Returns the seconds to wait, below zero for a password that is known to be wrong.
ATTEMPT = """
local key, mark = KEYS[1], 'd:' .. ARGV[1]
local free, base, most, forget = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local now = tonumber(redis.call('TIME')[1])
local known = redis.call('HGET', key, mark)
if known then
  local value = tonumber(string.sub(known, 2))
  if string.sub(known, 1, 1) == 'f' then
    local left = value + tonumber(ARGV[6]) - now
    if left > 0 then return -left end
    value = 0
  elseif value >= tonumber(ARGV[7]) then
    return 1
  end
  redis.call('HSET', key, mark, 'p' .. (value + 1))
  return 0
end
local n = tonumber(redis.call('HGET', key, 'n') or '0')
local due = tonumber(redis.call('HGET', key, 'next') or '0')
if due > now then return due - now end
n = n + 1
local delay = 0
if n >= free then delay = math.min(most, base * 2 ^ math.min(n - free, 30)) end
redis.call('HSET', key, 'n', n, 'next', now + delay, mark, 'p1')
redis.call('EXPIRE', key, forget)
return 0
"""
# The password was wrong: KEYS as above, ARGV: digest, forget.
FAILED = """
redis.call('HSET', KEYS[1], 'd:' .. ARGV[1], 'f' .. redis.call('TIME')[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 0
"""
# Nobody could tell: the try was none, unless it is known to be wrong.
UNDO = """
local mark = 'd:' .. ARGV[1]
local known = redis.call('HGET', KEYS[1], mark)
if known and string.sub(known, 1, 1) == 'p' then
  redis.call('HDEL', KEYS[1], mark)
  if redis.call('HINCRBY', KEYS[1], 'n', -1) <= 0 then redis.call('DEL', KEYS[1]) end
end
return 0
"""


class Unavailable(Exception):
    """Valkey gives no answer, or refuses."""


@dataclass(frozen=True)
class Verdict:
    """What to do with a try: `wait` seconds (0: prove it now), because it is `known_wrong`, or because of others."""

    wait: float = 0.0
    known_wrong: bool = False


class Store(Protocol):
    """What the throttle needs of Valkey."""

    def run(self, script: str, key: str, *arguments: object) -> int:
        """The number that a script gives. Raises Unavailable."""

    def delete(self, pattern: str) -> None:
        """Remove the keys of a pattern. Raises Unavailable."""


@dataclass(frozen=True)
class Settings:
    """How much is free and how long one waits. Times in seconds.

    `server` is `unix://PATH` or `tls://HOST:PORT`. `free` is how many different wrong passwords pass without delay;
    `base` the first delay, doubled up to `most`; `forget` after how long without a try a network starts afresh.
    `prefix4` and `prefix6` say how large a source network is. Addresses in `exempt` never wait.
    """

    server: str
    nonce: str
    username: str = "default"
    password: str = ""
    free: int = 5
    base: int = 2
    most: int = 300
    forget: int = 1800
    prefix4: int = 24
    prefix6: int = 64
    exempt: tuple[str, ...] = ("127.0.0.0/8", "::1/128")

    def __post_init__(self) -> None:
        """Raises ValueError on what cannot be."""
        if not self.nonce:
            raise ValueError("nonce is empty")
        if urlsplit(self.server).scheme not in ("unix", "tls"):
            raise ValueError(f"server is neither unix://PATH nor tls://HOST:PORT: {self.server}")
        if min(self.free, self.base, self.most) < 1 or self.forget < self.most:
            raise ValueError("free, base and most are 1 at least, forget is not below most")
        if not (0 < self.prefix4 <= 32 and 0 < self.prefix6 <= 128):
            raise ValueError("prefix4 is within 1 and 32, prefix6 within 1 and 128")
        for network in self.exempt:
            ipaddress.ip_network(network, strict=False)

    @classmethod
    def read(cls, path: Path) -> Settings:
        """From a JSON file. Raises OSError, or ValueError with what is wrong."""
        return cls.of(json.loads(path.read_text("utf-8")))

    @classmethod
    def of(cls, given: dict[str, Any]) -> Settings:
        """From a mapping. Raises ValueError with what is wrong."""
        try:
            return cls(**(given | {"exempt": tuple(given.get("exempt", cls.exempt))}))
        except TypeError as error:
            raise ValueError(str(error)) from error


def digest(nonce: str, name: str, password: str, bits: int = 12) -> str:
    """What a password is known by, as Dovecot makes it (auth_policy_hash_mech = sha256, auth_policy_hash_truncate).

    The first bits of the digest, shifted right to whole bytes, in hexadecimal.
    """
    whole = hashlib.sha256(f"{nonce}{name}\0{password}".encode()).digest()
    size = (bits + 7) // 8
    return (int.from_bytes(whole[:size], "big") >> (size * 8 - bits)).to_bytes(size, "big").hex()


class Throttle:
    """Judges tries. Thread-safe; nothing here raises: what cannot be known does not wait."""

    def __init__(self, settings: Settings, store: Store | None = None, clock: Callable[[], float] = time.monotonic):
        """`store` and `clock` are the tests' to give."""
        self.settings = settings
        self._store = store or Valkey(settings.server, settings.username, settings.password)
        self._exempt = [ipaddress.ip_network(network, strict=False) for network in settings.exempt]
        self._clock = clock
        self._silent_until = 0.0
        self._key = hashlib.sha256(b"names\0" + settings.nonce.encode()).digest()

    def attempt(self, name: str, address: str, password: str) -> float:
        """Seconds to wait before this may be tried; 0: prove the password now, the try is counted."""
        return self.judge(name, address, self._digest(name, password)).wait

    def judge(self, name: str, address: str, known_by: str) -> Verdict:
        """As `attempt`, of a password of which only the digest is known; says also whether it was wrong before."""
        key = self._place(name, address)
        if key is None:
            return Verdict()
        it = self.settings
        told = (known_by, it.free, it.base, it.most, it.forget, FAILED_FOR, TOGETHER)
        seconds = self._guarded(lambda: self._store.run(ATTEMPT, key, *told)) or 0
        return Verdict(float(abs(seconds)), known_wrong=seconds < 0)

    def failed(self, name: str, address: str, password: str) -> None:
        """The password was wrong."""
        self.failed_digest(name, address, self._digest(name, password))

    def failed_digest(self, name: str, address: str, known_by: str) -> None:
        """As `failed`, of a password that only Dovecot knows."""
        key = self._place(name, address)
        if key is not None:
            self._guarded(lambda: self._store.run(FAILED, key, known_by, self.settings.forget))

    def undo(self, name: str, address: str, password: str) -> None:
        """Nobody could tell whether the password was right: that was no try."""
        self.undo_digest(name, address, self._digest(name, password))

    def undo_digest(self, name: str, address: str, known_by: str) -> None:
        """As `undo`, of a password that only Dovecot knows."""
        key = self._place(name, address)
        if key is not None:
            self._guarded(lambda: self._store.run(UNDO, key, known_by))

    def succeeded(self, name: str, address: str) -> None:
        """The password was right: this account starts afresh in this network."""
        key = self._place(name, address)
        if key is not None:
            self._guarded(lambda: self._store.run("return redis.call('DEL', KEYS[1])", key))

    def forget(self, *names: str) -> None:
        """These names start afresh everywhere: after a new password, an unblock."""
        for name in names:
            pattern = f"{PREFIX}:{self._mac(_folded(name))}:*"
            self._guarded(lambda pattern=pattern: self._store.delete(pattern))  # type: ignore[misc]

    def known_by(self, name: str, password: str) -> str:
        """The digest by which `judge` knows a password."""
        return self._digest(name, password)

    def _digest(self, name: str, password: str) -> str:
        return digest(self.settings.nonce, _folded(name), password)

    def _mac(self, text: str) -> str:
        return hmac.new(self._key, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:24]

    def _place(self, name: str, address: str) -> str | None:
        """The key of an account in a network; None where nothing is delayed."""
        network = self.network(address)
        return None if network is None or not name else f"{PREFIX}:{self._mac(_folded(name))}:{self._mac(network)}"

    def network(self, address: str) -> str | None:
        """The source network of an address; None when it is exempt, or no address."""
        try:
            given = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return None
        mapped = getattr(given, "ipv4_mapped", None)
        one = mapped or given
        if any(one.version == network.version and one in network for network in self._exempt):
            return None
        prefix = self.settings.prefix4 if one.version == 4 else self.settings.prefix6
        return str(ipaddress.ip_network(f"{one}/{prefix}", strict=False))

    def _guarded(self, question: Callable[[], int | None]) -> int | None:
        now = self._clock()
        if now < self._silent_until:
            return None
        try:
            return question()
        except Unavailable as error:
            self._silent_until = self._clock() + PAUSE
            LOG.warning("no delays for %d s: %s", PAUSE, error)
            return None


def _folded(name: str) -> str:
    return name[:LONGEST].strip().lower()


class Valkey:
    """A client of few words (RESP2). One connection a thread, opened when it is needed."""

    def __init__(self, server: str, username: str, password: str) -> None:
        """Nothing is opened yet."""
        self.where = urlsplit(server)
        self.username, self.password = username, password
        self._mine = threading.local()

    def run(self, script: str, key: str, *arguments: object) -> int:
        """See Store."""
        name = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
        answer = self._ask("EVALSHA", name, 1, key, *arguments)
        if isinstance(answer, ReplyError) and str(answer).startswith("NOSCRIPT"):
            answer = self._ask("EVAL", script, 1, key, *arguments)
        if not isinstance(answer, int):
            raise Unavailable(f"Valkey answers {answer!r}")
        return answer

    def delete(self, pattern: str) -> None:
        """See Store."""
        cursor: object = b"0"
        while True:
            answer = self._ask("SCAN", cursor, "MATCH", pattern, "COUNT", SCAN)
            if not isinstance(answer, list):
                raise Unavailable(f"Valkey answers {answer!r}")
            cursor, keys = answer
            if keys:
                self._ask("UNLINK", *keys)
            if cursor == b"0":
                return

    def _ask(self, *words: object) -> Any:
        """One question; once more on a new connection where the old one was closed."""
        for fresh in (False, True):
            try:
                stream = self._stream(fresh)
                stream.write(_packed(words))
                stream.flush()
                return _reply(stream)
            except (OSError, EOFError, ValueError) as error:
                self._close()
                if fresh or isinstance(error, TimeoutError):
                    raise Unavailable(f"Valkey: {error or type(error).__name__}") from error
        raise AssertionError  # never: the second turn returns or raises

    def _stream(self, fresh: bool) -> Any:
        stream = getattr(self._mine, "stream", None)
        if stream is not None and not fresh:
            return stream
        link = self._connected()
        try:
            self._mine.stream = link.makefile("rwb")
        finally:
            link.close()  # the file keeps the socket open
        if self.password:
            self._mine.stream.write(_packed(("AUTH", self.username, self.password)))
            self._mine.stream.flush()
            answer = _reply(self._mine.stream)
            if isinstance(answer, ReplyError):
                raise OSError(str(answer))
        return self._mine.stream

    def _connected(self) -> socket.socket:
        if self.where.scheme == "unix":
            link = socket.socket(socket.AF_UNIX)
            link.settimeout(PATIENCE)
            try:
                link.connect(self.where.path)
            except OSError:
                link.close()
                raise
            return link
        host = self.where.hostname or ""
        plain = socket.create_connection((host, self.where.port or 6379), timeout=PATIENCE * 4)
        plain.settimeout(PATIENCE * 4)
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)

    def _close(self) -> None:
        stream = getattr(self._mine, "stream", None)
        self._mine.stream = None
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()


class ReplyError(Exception):
    """Valkey's own word for what is wrong."""


def _packed(words: Sequence[object]) -> bytes:
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        raw = word if isinstance(word, bytes) else str(word).encode("utf-8", "replace")
        parts.append(b"$%d\r\n%b\r\n" % (len(raw), raw))
    return b"".join(parts)


def _reply(stream: Any) -> Any:
    """One reply: a number, bytes, a list, None, a word, or a ReplyError. Raises EOFError, ValueError."""
    line = stream.readline()
    if not line.endswith(b"\r\n"):
        raise EOFError("closed")
    kind, rest = line[:1], line[1:-2]
    if kind == b"+":
        return rest.decode()
    if kind == b"-":
        return ReplyError(rest.decode("utf-8", "replace"))
    if kind == b":":
        return int(rest)
    if kind == b"$":
        size = int(rest)
        return None if size < 0 else stream.read(size + 2)[:size]
    if kind == b"*":
        return [_reply(stream) for _ in range(int(rest))]
    raise ValueError(f"not RESP: {line[:40]!r}")
