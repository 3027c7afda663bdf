"""Sessions of SOGo's agents: a small file each, in a folder of memory (/run) that this daemon alone reads.

A session's file is named by its owner's uid and by a digest of the word in the browser's cookie, so that root can end
all of an agent's by their names (malleposte.accounts.channels.sogo), and a list of the folder opens nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from malleposte.daemons.dav_router.proofs import SAFE_UID
from malleposte.runtime import durable

COOKIE = "__Host-sogo"
"""The prefix has browsers take it from this very host alone, over TLS (RFC 6265bis, 4.1.3.2)."""
COOKIE_SCOPE = "Path=/; Secure; HttpOnly; SameSite=Lax"
WORD = re.compile(r"[0-9a-f]{64}")
TOUCHED = 60.0
"""Seconds after which a visit is written down again."""
SWEPT = 600.0
"""Seconds between two looks for idle sessions."""


@dataclass(frozen=True)
class Session:
    """An agent at SOGo. `until`: the end of the access token, in seconds since 1970.

    `sid` is the provider's name of the log-in; sessions of before it was kept have none.
    """

    uid: str
    access: str
    refresh: str
    identity: str
    until: float
    sid: str = ""


class Sessions:
    """All of this host."""

    def __init__(self, folder: Path, idle: float) -> None:
        """`idle`: seconds without a request after which a session is over."""
        self.folder, self.idle, self.swept = folder, idle, 0.0

    def path(self, cookie: str) -> Path | None:
        """The file of a cookie's value, `UID.WORD`; None for what is none."""
        uid, _dot, word = cookie.rpartition(".")
        if not SAFE_UID.fullmatch(uid) or not WORD.fullmatch(word):
            return None
        return self.folder / f"{uid}.{hashlib.sha256(word.encode()).hexdigest()}"

    def open(self, session: Session) -> str:
        """Keep a new session; returns its cookie's value."""
        self.sweep()
        cookie = f"{session.uid}.{secrets.token_hex(32)}"
        self._write(self._path(cookie), session)
        return cookie

    def find(self, cookie: str) -> Session | None:
        """The session of a cookie; a visit, too."""
        path = self.path(cookie)
        try:
            age = time.time() - path.stat().st_mtime if path else self.idle
            if path is None or age >= self.idle:
                self.end(cookie)
                return None
            if age > TOUCHED:
                os.utime(path)
            return Session(**json.loads(path.read_text("utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):  # it was cut off: it opens nothing
            self.end(cookie)
            return None

    def keep(self, cookie: str, session: Session) -> None:
        """Replace a session's tokens. One that was ended meanwhile stays ended."""
        path = self._path(cookie)
        if path.exists():
            self._write(path, session)

    def end(self, cookie: str) -> None:
        """Forget a session."""
        if path := self.path(cookie):
            path.unlink(missing_ok=True)

    def end_all(self, sid: str, uid: str = "") -> None:
        """Forget the sessions of one log-in. Its agent, where known, spares a look into everybody's files."""
        for path in self.folder.iterdir():
            if path.name.startswith(".") or not path.name.startswith(f"{uid}." if uid else ""):
                continue
            try:
                if json.loads(path.read_text("utf-8")).get("sid") == sid:
                    path.unlink()
            except FileNotFoundError:
                continue
            except (ValueError, AttributeError):  # it was cut off: it opens nothing, and hides no other
                path.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Forget who has gone."""
        now = time.time()
        if now - self.swept < SWEPT:
            return
        self.swept = now
        for path in self.folder.iterdir():
            try:
                if now - path.stat().st_mtime >= self.idle:
                    path.unlink()
            except FileNotFoundError:
                continue

    def _path(self, cookie: str) -> Path:
        path = self.path(cookie)
        if path is None:
            raise ValueError(f"not a session: {cookie!r}")
        return path

    def _write(self, path: Path, session: Session) -> None:
        durable.write(path, json.dumps(asdict(session)))
