"""Delays against guessed passwords, per account and source network, so that nobody can lock anybody else out.

A try is counted when it is made, before its password is proved, so that a thousand at once count as a thousand. A few
wrong passwords are free; then each waits twice as long as the one before, up to a limit. The same wrong password again
counts once: an old telephone is no attack. It is not proved again for a while either, so that the directory's own count
(ppolicy, the backstop) cannot be driven up from one network.

A school sits behind one address. So a client (protocol, device or browser, exact address) that has succeeded for an
account before has a line of its own: it neither waits for what others of its network did, nor forgets it for them. The
right password of a client that nobody knew starts its network afresh. IPv6 is counted twice: its /64, and more
generously its /48, in which one guesser may have every /64.

An address that fails on many accounts, none of which ever succeeded in its network, is told in the log and, for an
hour, in Valkey, where every host of the edge finds it (`daemons.guesses`): fail2ban bans it there. Known networks are
told nowhere.

The other state lies in Valkey under keyed digests of names and networks, and goes by itself; an index for each account
names its keys, so that nothing is ever searched. Passwords are known by a digest of few bits under a secret (Dovecot's
`auth_policy_hash_*`): enough to tell two tries apart, too little to find one. Where Valkey does not answer, nothing
waits.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from malleposte.adapters.valkey import Unavailable, Valkey

LOG = logging.getLogger("throttle")
PREFIX = "throttle"
GUESSERS = f"{PREFIX}:guessers"
"""Addresses that guess on many accounts, by the time at which that was noticed: the hosts of the edge ban them."""
TOLD_FOR = 3600  # seconds for which such an address is told
PAUSE = 2.0  # seconds without a question after Valkey gave no answer
FAILED_FOR = 300  # seconds within which a wrong password is not proved again (ppolicy counts failures as long)
TOGETHER = 20  # proofs of one password at once: a mail program opens several connections
LONGEST = 1024  # characters of a name that are looked at
CLIENTS = 32  # clients remembered of an account in one network
PLACES = 64  # places remembered of an account's log-ins
DAY = 86_400

# The lines that a try counts in. KEYS: index of the account, clients of it that are known in this network, line of the
# client, line of the network, and for IPv6 the line of the wider network. ARGV begins with: name of the client,
# seconds that a client is known, seconds that a line is kept. Fields of a line: n (different passwords so far), next
# (when one more may be tried), d:DIGEST ("p" and how many proofs are under way, or "f" and when it failed).
LINES = """
local now = tonumber(redis.call('TIME')[1])
local seen = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0')
local known = seen > 0 and seen + tonumber(ARGV[2]) > now
local lines = {}
if known then lines = {KEYS[3]} else for i = 4, #KEYS do lines[#lines + 1] = KEYS[i] end end
local function keep(line)
  redis.call('EXPIRE', line, ARGV[3])
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), line)
  redis.call('EXPIRE', KEYS[1], ARGV[3])
end
"""
# One try. ARGV further: digest, free, free of the wider network, base, most, FAILED_FOR, TOGETHER. Returns the seconds
# to wait, below zero for a password that is known to be wrong. Looks at all lines before it counts in any.
ATTEMPT = (
    LINES
    + """
local mark, base, most = 'd:' .. ARGV[4], tonumber(ARGV[7]), tonumber(ARGV[8])
local wait = 0
for _, line in ipairs(lines) do
  local held = redis.call('HGET', line, mark)
  if held then
    local value = tonumber(string.sub(held, 2))
    if string.sub(held, 1, 1) == 'f' then
      if value + tonumber(ARGV[9]) > now then return now - value - tonumber(ARGV[9]) end
    elseif value >= tonumber(ARGV[10]) then
      return 1
    end
  else
    wait = math.max(wait, tonumber(redis.call('HGET', line, 'next') or '0') - now)
  end
end
if wait > 0 then return wait end
for i, line in ipairs(lines) do
  local held = redis.call('HGET', line, mark)
  if held then
    local under = string.sub(held, 1, 1) == 'p' and tonumber(string.sub(held, 2)) or 0
    redis.call('HSET', line, mark, 'p' .. (under + 1))
  else
    local n = tonumber(redis.call('HGET', line, 'n') or '0') + 1
    local free = tonumber(ARGV[i == 2 and 6 or 5])
    local delay = 0
    if n >= free then delay = math.min(most, base * 2 ^ math.min(n - free, 30)) end
    redis.call('HSET', line, 'n', n, 'next', now + delay, mark, 'p1')
    keep(line)
  end
end
return 0
"""
)
# The password was wrong. ARGV further: digest.
FAILED = (
    LINES
    + """
for _, line in ipairs(lines) do
  redis.call('HSET', line, 'd:' .. ARGV[4], 'f' .. now)
  keep(line)
end
return 0
"""
)
# Nobody could tell: the try was none, unless it is known to be wrong. ARGV further: digest.
UNDO = (
    LINES
    + """
local mark = 'd:' .. ARGV[4]
for _, line in ipairs(lines) do
  local held = redis.call('HGET', line, mark)
  if held and string.sub(held, 1, 1) == 'p' then
    redis.call('HDEL', line, mark)
    if redis.call('HINCRBY', line, 'n', -1) <= 0 then redis.call('DEL', line) end
  end
end
return 0
"""
)
# The password was right: this client starts afresh, and is known from now on; one that was not, with its network. Of
# too many clients, the one that succeeded longest ago is forgotten: a browser that keeps no cookie is a new one each
# time. The address no longer counts as one that failed on this account: on the first day a whole school mistypes its
# codes.
# ARGV further: how many clients are remembered, accounts on which the address failed, the account.
SUCCEEDED = (
    LINES
    + """
for _, line in ipairs(lines) do redis.call('DEL', line) end
if redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[4]) and not known then
  local held = redis.call('HGETALL', KEYS[2])
  local last = 1
  for i = 3, #held, 2 do if tonumber(held[i + 1]) < tonumber(held[last + 1]) then last = i end end
  redis.call('HDEL', KEYS[2], held[last])
end
redis.call('HSET', KEYS[2], ARGV[1], now)
redis.call('EXPIRE', KEYS[2], ARGV[2])
redis.call('ZREM', ARGV[5], ARGV[6])
return 0
"""
)
# Whether the client is known.
KNOWN = (
    LINES
    + """
return known and 1 or 0
"""
)
# An address failed on an account. KEYS: clients known of the account in the network, accounts of the address, addresses
# to ban. ARGV: the account, seconds, how many accounts are too many, the address, how long it is told. Returns their
# number once it is reached, then counts afresh.
GUESSED = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[2]))
redis.call('EXPIRE', KEYS[2], ARGV[2])
local count = redis.call('ZCARD', KEYS[2])
if count < tonumber(ARGV[3]) then return 0 end
redis.call('DEL', KEYS[2])
local clock = redis.call('TIME')
redis.call('ZADD', KEYS[3], clock[1] .. '.' .. string.format('%06d', clock[2]), ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - tonumber(ARGV[5]))
redis.call('EXPIRE', KEYS[3], ARGV[5])
return count
"""
# An account starts afresh everywhere. KEYS: its index.
FORGET = """
for _, line in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do redis.call('UNLINK', line) end
return redis.call('UNLINK', KEYS[1])
"""
# Whether something is said for the first time. KEYS: it. ARGV: seconds for which it is remembered.
ONCE = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'at', redis.call('TIME')[1])
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
"""
# Whether a place is new to an account that has known ones. KEYS: the account's places. ARGV: the place, seconds for
# which it is known, how many are remembered.
PLACE = """
local now = tonumber(redis.call('TIME')[1])
local known = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0') + tonumber(ARGV[2]) > now
local others = redis.call('HLEN', KEYS[1])
if others >= tonumber(ARGV[3]) and not known then redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], ARGV[1], now)
redis.call('EXPIRE', KEYS[1], ARGV[2])
if known or others == 0 then return 0 end
return 1
"""


@dataclass(frozen=True)
class Verdict:
    """The verdict on a try: `wait` seconds (0: prove it now), because it is `known_wrong`, or because of others."""

    wait: float = 0.0
    known_wrong: bool = False


class Store(Protocol):
    """The commands that the throttle needs of Valkey."""

    def run(self, script: str, keys: Sequence[str], *arguments: object) -> int:
        """The number that a script gives. Raises Unavailable."""


@dataclass(frozen=True)
class Settings:
    """The number of free tries and the length of the delays. Times in seconds.

    `server` is `unix://PATH` or `tls://HOST:PORT`. `free` is how many different wrong passwords pass without delay,
    `free_wide` in the wider network of IPv6; `base` the first delay, doubled up to `most`; `forget` after how long
    without a try a line starts afresh. `prefix4` and `prefix6` say how large a source network is, `wide6` the wider
    one. A client is known for `known_days` after its last success. Addresses in `exempt` never wait.

    An address that fails on so many `accounts` within `accounts_seconds` is told in the log, unless of `networks`.
    """

    server: str
    nonce: str
    username: str = "default"
    password: str = field(default="", repr=False)
    free: int = 5
    free_wide: int = 20
    base: int = 2
    most: int = 300
    forget: int = 1800
    prefix4: int = 24
    prefix6: int = 64
    wide6: int = 48
    known_days: int = 30
    exempt: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    accounts: int = 20
    accounts_seconds: int = 600
    networks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError on what cannot be."""
        if not self.nonce:
            raise ValueError("nonce is empty")
        if urlsplit(self.server).scheme not in ("unix", "tls"):
            raise ValueError(f"server is neither unix://PATH nor tls://HOST:PORT: {self.server}")
        if min(self.free, self.base, self.most, self.known_days) < 1 or self.forget < self.most:
            raise ValueError("free, base, most and known_days are 1 at least, forget is not below most")
        if self.free_wide < self.free or self.accounts < 2 or self.accounts_seconds < 1:
            raise ValueError("free_wide is not below free, accounts are 2 at least, accounts_seconds 1")
        if not (0 < self.prefix4 <= 32 and 0 < self.wide6 <= self.prefix6 <= 128):
            raise ValueError("prefix4 is within 1 and 32, prefix6 within wide6 and 128")
        for network in (*self.exempt, *self.networks):
            ipaddress.ip_network(network, strict=False)

    @classmethod
    def read(cls, path: Path) -> Settings:
        """From a JSON file. Raises OSError, or ValueError with what is wrong."""
        return cls.of(json.loads(path.read_text("utf-8")))

    @classmethod
    def of(cls, given: dict[str, Any]) -> Settings:
        """From a mapping. Raises ValueError with what is wrong."""
        lists = {name: tuple(given.get(name, getattr(cls, name))) for name in ("exempt", "networks")}
        try:
            return cls(**(given | lists))
        except TypeError as error:
            raise ValueError(str(error)) from error


def digest(nonce: str, name: str, password: str, bits: int = 12) -> str:
    """Return the digest of a password as Dovecot makes it (auth_policy_hash_mech = sha256, auth_policy_hash_truncate).

    The first bits of the digest, shifted right to whole bytes, in hexadecimal.
    """
    whole = hashlib.sha256(f"{nonce}{name}\0{password}".encode()).digest()
    size = (bits + 7) // 8
    return (int.from_bytes(whole[:size], "big") >> (size * 8 - bits)).to_bytes(size, "big").hex()


@dataclass(frozen=True)
class _Place:
    """The keys of an account's lines for one client; its address, and whether it may be told."""

    keys: tuple[str, ...]
    client: str
    account: str
    address: str
    shared: str
    guarded: bool


class Throttle:
    """Judges tries. Thread-safe; nothing here raises: what cannot be known does not wait.

    `account` is whose account it is, whatever name was typed; what was typed where that is nobody's. `client` says by
    what the try came (protocol, device or browser), as far as it is known.
    """

    def __init__(self, settings: Settings, store: Store | None = None, clock: Callable[[], float] = time.monotonic):
        """`store` and `clock` are the tests' to give."""
        self.settings = settings
        self._store = store or Valkey(settings.server, settings.username, settings.password)
        self._exempt, self._networks = (
            [ipaddress.ip_network(network, strict=False) for network in networks]
            for networks in (settings.exempt, settings.networks)
        )
        self._clock = clock
        self._silent_until = 0.0
        self._key = hashlib.sha256(b"names\0" + settings.nonce.encode()).digest()

    def judge(self, account: str, address: str, known_by: str, client: str = "") -> Verdict:
        """Whether a password, of which the digest is known, may be proved now; it is then counted."""
        it = self.settings
        told = (known_by, it.free, it.free_wide, it.base, it.most, FAILED_FOR, TOGETHER)
        seconds = self._run(ATTEMPT, self._place(account, address, client), *told)
        return Verdict(float(abs(seconds)), known_wrong=seconds < 0)

    def failed(self, account: str, address: str, known_by: str, client: str = "") -> None:
        """The password was wrong."""
        self._run(FAILED, self._place(account, address, client), known_by)
        self.unknown(account, address)

    def unknown(self, account: str, address: str) -> None:
        """Nobody may log in by that name; nothing was proved. It counts for the address alone."""
        place, it = self._place(account, address, ""), self.settings
        if place is None or not place.guarded:
            return
        told = (place.account, it.accounts_seconds, it.accounts, place.address, TOLD_FOR)
        count = self._guarded(lambda: self._store.run(GUESSED, (place.keys[1], place.shared, GUESSERS), *told))
        if count:
            # The address is the last word of the line, and nothing in it was chosen by the client.
            LOG.warning("guesses on %d accounts within %d s: rip=%s", count, it.accounts_seconds, place.address)

    def undo(self, account: str, address: str, known_by: str, client: str = "") -> None:
        """Nobody could tell whether the password was right: that was no try."""
        self._run(UNDO, self._place(account, address, client), known_by)

    def succeeded(self, account: str, address: str, client: str = "") -> None:
        """The password was right: the client starts afresh, and is known from now on."""
        place = self._place(account, address, client)
        if place is not None:
            self._run(SUCCEEDED, place, CLIENTS, place.shared, place.account)

    def known(self, account: str, address: str, client: str) -> bool:
        """Whether a client has succeeded there for an account of late, so that it is judged apart."""
        return self._run(KNOWN, self._place(account, address, client)) == 1

    def forget(self, *accounts: str) -> None:
        """These start afresh everywhere: after a new password, an unblock. Clients stay known."""
        for account in dict.fromkeys(map(_folded, accounts)):
            index = f"{PREFIX}:{self._mac(account)}"
            self._guarded(lambda index=index: self._store.run(FORGET, (index,)))  # type: ignore[misc]

    def once(self, account: str, secret: str, seconds: int) -> bool:
        """Whether a secret of an account was not said within so many seconds, on any host; it then was."""
        key = f"{PREFIX}:once:{self._mac(f'{_folded(account)}\0{secret}')}"
        return self._guarded(lambda: self._store.run(ONCE, (key,), seconds)) != 0

    def place(self, account: str, place: str, seconds: int) -> bool:
        """Whether a place is a new one of an account that has known ones; it is then known for so many seconds."""
        key, name = f"{PREFIX}:places:{self._mac(_folded(account))}", self._mac(place)
        return self._guarded(lambda: self._store.run(PLACE, (key,), name, seconds, PLACES)) == 1

    def known_by(self, name: str, password: str) -> str:
        """The digest by which a password is known, of a name as it was typed: Dovecot makes the same."""
        return digest(self.settings.nonce, _folded(name), password)

    def _run(self, script: str, place: _Place | None, *arguments: object) -> int:
        """The answer of a script about a place; 0 where nothing is counted."""
        if place is None:
            return 0
        known = (place.client, self.settings.known_days * DAY, self.settings.forget)
        return self._guarded(lambda: self._store.run(script, place.keys, *known, *arguments)) or 0

    def _mac(self, text: str) -> str:
        return hmac.new(self._key, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:24]

    def _place(self, account: str, address: str, client: str) -> _Place | None:
        """Return the place where a try counts; None without a delay: an exempt address, or none, or no name."""
        try:
            given = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return None
        one = getattr(given, "ipv4_mapped", None) or given
        if not account or any(one.version == network.version and one in network for network in self._exempt):
            return None
        it = self.settings
        sizes = (it.prefix4,) if one.version == 4 else (it.prefix6, it.wide6)
        network, *wider = (str(ipaddress.ip_network(f"{one}/{size}", strict=False)) for size in sizes)
        # A host of IPv6 changes its address within its /64 all day.
        exact = str(one) if one.version == 4 else network
        whose, who = self._mac(_folded(account)), self._mac(f"{exact}\0{client[:LONGEST]}")
        index, line = f"{PREFIX}:{whose}", f"{PREFIX}:{whose}:{self._mac(network)}"
        keys = (index, f"{line}:known", f"{line}:{who}", line, *(f"{index}:{self._mac(wide)}" for wide in wider))
        guarded = not any(one.version == network.version and one in network for network in self._networks)
        return _Place(keys, who, whose, str(one), f"{PREFIX}:at:{self._mac(exact)}", guarded)

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
