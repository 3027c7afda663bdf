"""Resolve a log-in name to its account through Dovecot's user database: uid, address and alias are one account.

Dovecot's auth protocol over a Unix socket (`service auth`, type userdb); no directory account is needed for it. Answers
are remembered for a while, and as long as Dovecot gives no answer. A name that was never asked for then stands for
itself: guessers have more tries, nobody has less.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

LOG = logging.getLogger("account-resolver")
PATIENCE = 1.0  # seconds for an answer
PAUSE = 2.0  # seconds without a question after there was none
FOUND_FOR = 300.0  # seconds that an answer is remembered
NOBODY_FOR = 30.0  # seconds that "nobody's" is
REMEMBERED = 50_000
LONGEST = 320  # characters of a name that is asked for


class AccountResolver:
    """Asks Dovecot and remembers the answers. Nothing here raises."""

    def __init__(self, path: Path | None, clock: Callable[[], float] = time.monotonic) -> None:
        """`path` is Dovecot's socket; None: every name stands for itself. `clock` in seconds."""
        self.path, self._clock = path, clock
        self._cached: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._silent_until = 0.0

    async def account(self, name: str) -> str:
        """The uid that a name means; the name itself if it means no account, or Dovecot does not answer.

        A name counts up to a NUL, as a program in C would read it, and without control characters: none of them makes
        another account of it.
        """
        name = _counted(name)
        return await self._uid(name) or name

    async def uid(self, name: str) -> str:
        """The uid that a name means; empty if it means no account, or Dovecot does not answer."""
        return await self._uid(_counted(name))

    async def _uid(self, name: str) -> str:
        now = self._clock()
        cached = self._cached.get(name)
        if cached is not None and cached[1] > now:
            return cached[0]
        old = cached[0] if cached is not None else ""
        if self.path is None or now < self._silent_until or not 0 < len(name) <= LONGEST:
            return old
        try:
            uid = await asyncio.wait_for(self._ask(name), PATIENCE)
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            self._silent_until = now + PAUSE
            LOG.warning("names stand for themselves for %d s: %s: %s", PAUSE, type(error).__name__, error)
            return old
        self._cached.pop(name, None)
        self._cached[name] = (uid, now + (FOUND_FOR if uid else NOBODY_FOR))
        while len(self._cached) > REMEMBERED:
            self._cached.popitem(last=False)
        return uid

    async def _ask(self, name: str) -> str:
        """The uid of a name; empty: no account. Raises OSError, EOFError, ValueError."""
        reader, writer = await asyncio.open_unix_connection(str(self.path))
        try:
            writer.write(f"VERSION\t1\t0\nUSER\t1\t{name}\tservice=authpolicy\n".encode())
            await writer.drain()
            while line := await reader.readline():
                words = line.decode("utf-8", "replace").rstrip("\n").split("\t")
                if words[:2] == ["USER", "1"] and len(words) > 2:
                    return words[2].lower()
                if words[:2] == ["NOTFOUND", "1"]:
                    return ""
                if words[:2] == ["FAIL", "1"]:
                    raise ValueError("Dovecot cannot tell")
            raise EOFError("closed")
        finally:
            writer.close()


def _counted(name: str) -> str:
    return "".join(char for char in name.partition("\0")[0] if char.isprintable()).strip().lower()
