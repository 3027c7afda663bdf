"""Seals on sessions of SOGo that began with a log-in proved here."""

from __future__ import annotations

import hashlib
import hmac
import re

SOGO_COOKIE = "0xHIGHFLYxSOGo"
SEAL = "__Host-sogo-seal"
"""The prefix has browsers take it from this very host alone, over TLS (RFC 6265bis, 4.1.3.2)."""
SEAL_SCOPE = "Path=/; Secure; HttpOnly; SameSite=Lax"
HARMLESS = {"XSRF-TOKEN": re.compile("[0-9a-f]{40}"), "SOGoLogin": re.compile("[A-Za-z0-9._@%+=/-]{0,512}")}
"""Cookies of SOGo that hold no password: against forged forms, and the name that its log-in page remembers."""


class Seals:
    """The cookies of SOGo that came from a log-in that was proved here."""

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        """See Settings."""
        self.keys = keys

    def over(self, cookie: str, key: bytes) -> str:
        """The seal of one value of SOGo's cookie: HMAC-SHA-256 (RFC 2104) as 64 hexadecimal digits."""
        return hmac.new(key, b"sogo\0" + cookie.encode("latin-1"), hashlib.sha256).hexdigest()

    def opening(self, cookie: str) -> str:
        """The Set-Cookie of a new session. It ends with the browser, as SOGo's own cookie does."""
        return f"{SEAL}={self.over(cookie, self.keys[0])}; {SEAL_SCOPE}"

    @staticmethod
    def closing() -> str:
        """The Set-Cookie that ends it."""
        return f"{SEAL}=; Max-Age=0; {SEAL_SCOPE}"

    def passed(self, header: str) -> list[str]:
        """Of a Cookie header, what SOGo may see: one cookie of each name, its own only with a seal over it."""
        given: dict[str, list[str]] = {}
        for crumb in header.split(";"):
            name, _equals, value = crumb.strip(" \t").partition("=")
            given.setdefault(name, []).append(value)
        shown = [
            f"{name}={value}"
            for name, form in HARMLESS.items()
            for value in given.get(name, [])[:1]
            if form.fullmatch(value)
        ]
        seals = [seal.encode("latin-1") for seal in given.get(SEAL, [])]
        for value in given.get(SOGO_COOKIE, []) if seals else []:
            mine = [self.over(value, key).encode() for key in self.keys]
            if any(hmac.compare_digest(one, seal) for one in mine for seal in seals):
                return [f"{SOGO_COOKIE}={value}", *shown]
        return shown
