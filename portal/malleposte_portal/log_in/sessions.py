"""Log-ins to the portal, kept in a Valkey of its hosts. The browser has an identifier and nothing else.

A key is a digest of that identifier: whoever reads the keys has no session. Each ends by itself, some time after the
last page and at the latest some hours after the log-in.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

FRESH_SECONDS = 60
"""The last page is noted at most this often."""
TURN_SECONDS = 60
"""A turn ends by itself: longer than the provider is waited for."""
TURN_PATIENCE = 20.0
"""Seconds for which a request waits for its turn."""
TURN_PAUSE = 0.05


class StoreError(Exception):
    """Valkey gives no answer: who is logged in is not known."""


class Valkey(Protocol):
    """The part of redis.Redis that is used; answers are text."""

    def get(self, name: str) -> Any:
        """The value, or None."""

    def getdel(self, name: str) -> Any:
        """As `get`; it is then gone."""

    def set(self, name: str, value: str, ex: int, *, nx: bool = False, xx: bool = False) -> Any:
        """Keep a value for so many seconds; `nx` where there was none, `xx` where there was one. Whether it is kept."""

    def delete(self, *names: str) -> Any:
        """Remove keys."""

    def expire(self, name: str, time: int) -> Any:
        """Keep a key for so many seconds more."""

    def sadd(self, name: str, *values: str) -> Any:
        """Add to a set."""

    def srem(self, name: str, *values: str) -> Any:
        """Take from a set."""

    def smembers(self, name: str) -> Any:
        """The members of a set."""


@dataclass(frozen=True)
class Session:
    """A log-in. Times are seconds since 1970; `place` and `browser` say from where, for the agent's own eyes."""

    uid: str
    name: str
    sid: str
    id_token: str = field(repr=False)
    access: str = field(repr=False)
    refresh: str = field(repr=False)
    good_until: float
    begun: float
    seen: float
    profile: str = ""
    place: str = ""
    browser: str = ""


def key_of(identifier: str) -> str:
    """The name of a session among all of them; it opens nothing."""
    return hashlib.sha256(identifier.encode()).hexdigest()


class Sessions:
    """All log-ins. Every method raises StoreError where Valkey is away."""

    def __init__(
        self,
        valkey: Valkey,
        errors: type[Exception],
        *,
        idle: float = 3600.0,
        longest: float = 36000.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`errors` are those of `valkey`; `idle` and `longest` in seconds."""
        self._valkey, self._errors, self._clock = valkey, errors, clock
        self._idle, self._longest = idle, longest

    def _ask(self, name: str, *words: Any, **named: bool) -> Any:
        try:
            return getattr(self._valkey, name)(*words, **named)
        except self._errors as error:
            raise StoreError(type(error).__name__) from error

    def reach(self) -> None:
        """Do nothing where Valkey answers."""
        self._ask("get", "portal:nothing")

    # --- what a link gives once ---

    def keep_once(self, word: str, content: str, seconds: int) -> None:
        """Keep a text for so many seconds; whoever has the word takes it, once."""
        self._ask("set", f"portal:once:{key_of(word)}", content, seconds)

    def look_once(self, word: str) -> str:
        """The text of a word, which stays; empty for none."""
        return str(self._ask("get", f"portal:once:{key_of(word)}") or "")

    def take_once(self, word: str) -> str:
        """The text of a word, which is gone then; empty for none."""
        return str(self._ask("getdel", f"portal:once:{key_of(word)}") or "")

    # --- sessions ---

    def open(self, session: Session) -> str:
        """Keep a log-in under a new identifier, which is returned."""
        identifier = secrets.token_urlsafe(32)
        key = key_of(identifier)
        self._write(key, session)
        for name in self._indexes(session):
            self._ask("sadd", name, key)
            self._ask("expire", name, int(self._longest))
        return identifier

    def read(self, identifier: str) -> Session | None:
        """The log-in of an identifier; None where there is none any more."""
        key = key_of(identifier)
        session = self._read(key)
        now = self._clock()
        if session is None or now >= session.begun + self._longest:
            return None
        if now >= session.seen + min(FRESH_SECONDS, self._idle / 2):
            # By a key of its own: another request may be writing newer tokens.
            seconds = self._seconds(session)
            self._ask("set", f"portal:seen:{key}", str(now), max(seconds, 1))
            self._ask("expire", f"portal:session:{key}", max(seconds, 1))
            session = replace(session, seen=now)
        return session

    @contextlib.contextmanager
    def turn(self, identifier: str) -> Iterator[Session | None]:
        """The log-in as it is, whose tokens no other request changes meanwhile, in this process or another.

        Raises StoreError where there is no turn within `TURN_PATIENCE` seconds.
        """
        key = key_of(identifier)
        name, word, end = f"portal:turn:{key}", secrets.token_hex(8), time.monotonic() + TURN_PATIENCE
        while not self._ask("set", name, word, TURN_SECONDS, nx=True):
            if time.monotonic() > end:
                raise StoreError("another request has the turn")
            time.sleep(TURN_PAUSE)
        try:
            yield self._read(key)
        finally:
            if self._ask("get", name) == word:
                self._ask("delete", name)

    def keep(self, identifier: str, session: Session) -> None:
        """Keep a log-in that has changed, in its turn; one that was ended meanwhile stays ended."""
        self._write(key_of(identifier), session, xx=True)

    def close(self, key: str) -> None:
        """End one log-in, by its key."""
        session = self._read(key)
        self._ask("delete", f"portal:session:{key}", f"portal:seen:{key}")
        for name in self._indexes(session) if session else ():
            self._ask("srem", name, key)

    def close_all(self, *, uid: str = "", sid: str = "") -> int:
        """End the log-ins of an agent, or those of one session of the provider, and return their number."""
        name = f"portal:sid:{key_of(sid)}" if sid else f"portal:uid:{uid}"
        keys = sorted(self._ask("smembers", name) or ())
        for key in keys:
            self.close(str(key))
        return len(keys)

    def end_all(self, uid: str) -> None:
        """End every log-in of an agent. What is open at the provider from before this moment opens none anew."""
        self.close_all(uid=uid)
        self._ask("set", f"portal:ended:{uid}", str(self._clock()), int(self._longest))

    def ended(self, uid: str) -> float:
        """The last time at which all log-ins of an agent were ended (seconds since 1970); 0 for none that counts."""
        return float(self._ask("get", f"portal:ended:{uid}") or 0)

    def of(self, uid: str) -> dict[str, Session]:
        """The log-ins of an agent by key, the newest first."""
        name, now = f"portal:uid:{uid}", self._clock()
        by_key = {}
        for key in sorted(self._ask("smembers", name) or ()):
            session = self._read(str(key))
            if session is None or now >= session.begun + self._longest:
                self._ask("srem", name, key)
            else:
                by_key[str(key)] = session
        return dict(sorted(by_key.items(), key=lambda one: -one[1].begun))

    def _read(self, key: str) -> Session | None:
        content = self._ask("get", f"portal:session:{key}")
        if not content:
            return None
        session = Session(**json.loads(content))
        return replace(session, seen=max(session.seen, float(self._ask("get", f"portal:seen:{key}") or 0)))

    def _write(self, key: str, session: Session, *, xx: bool = False) -> None:
        seconds = self._seconds(session)
        if seconds > 0:
            self._ask("set", f"portal:session:{key}", json.dumps(asdict(session)), seconds, xx=xx)

    def _seconds(self, session: Session) -> int:
        """For how long a log-in is kept from now on."""
        return int(min(self._idle, session.begun + self._longest - self._clock()))

    @staticmethod
    def _indexes(session: Session) -> list[str]:
        names = [f"portal:uid:{session.uid}"]
        return [*names, f"portal:sid:{key_of(session.sid)}"] if session.sid else names
