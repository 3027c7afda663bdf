"""The settings of the delays, and the digest by which a password is known."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Settings:
    """The number of free tries and the length of the delays. Times in seconds.

    `server` is `unix://PATH` or `tls://HOST:PORT`. `free` is how many different wrong passwords pass without delay,
    `free_wide` in the wider network of IPv6; `base` the first delay, doubled up to `most`; `forget` after how long
    without a try a line starts afresh. `prefix4` and `prefix6` say how large a source network is, `wide6` the wider
    one. A client is known for `known_days` after its last success.

    `locks_at` failures within `window` seconds make slapd lock an account (0: none do); proofs stay below.

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
    locks_at: int = 100
    window: int = 300
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
        if self.locks_at and self.locks_at < 10:
            raise ValueError("locks_at is 10 at least, or 0")
        if not 0 < self.window <= self.forget:
            raise ValueError("window is within 1 and forget")
        for network in self.networks:
            ipaddress.ip_network(network, strict=False)

    @property
    def strangers(self) -> int:
        """The proofs that unknown clients of an account have together within `window`."""
        return (self.locks_at or 100) // 2

    @property
    def acquainted(self) -> int:
        """The same of known clients: with those of strangers, less than what locks."""
        return (self.locks_at or 100) * 45 // 100

    @property
    def alone(self) -> int:
        """The proofs of either kind that one process allows where Valkey does not answer."""
        return max(2, (self.locks_at or 100) // 10)

    @classmethod
    def read(cls, path: Path) -> Settings:
        """From a JSON file. Raises OSError, or ValueError with what is wrong."""
        return cls.of(json.loads(path.read_text("utf-8")))

    @classmethod
    def of(cls, mapping: dict[str, Any]) -> Settings:
        """From a mapping. Raises ValueError with what is wrong."""
        try:
            return cls(**(mapping | {"networks": tuple(mapping.get("networks", ()))}))
        except TypeError as error:
            raise ValueError(str(error)) from error


def digest(nonce: str, name: str, password: str, bits: int = 12) -> str:
    """Return the digest of a password as Dovecot makes it (auth_policy_hash_mech = sha256, auth_policy_hash_truncate).

    The first bits of the digest, shifted right to whole bytes, in hexadecimal.
    """
    whole = hashlib.sha256(f"{nonce}{name}\0{password}".encode()).digest()
    size = (bits + 7) // 8
    return (int.from_bytes(whole[:size], "big") >> (size * 8 - bits)).to_bytes(size, "big").hex()
