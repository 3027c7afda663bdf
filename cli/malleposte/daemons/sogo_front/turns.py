"""Turns: saves that name the same address wait for one another."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakValueDictionary

FOLD = re.compile(rb"\r?\n[ \t]")
"""A long line of iCalendar goes on (RFC 5545, 3.1)."""
ADDRESS = re.compile(r"[^\s\"'<>:;,=\\/?&]+@[^\s\"'<>:;,=\\/?&]+")


def unfolded(body: bytes) -> str:
    """iCalendar without its folds."""
    return FOLD.sub(b"", body).decode("utf-8", "replace")


def addresses(body: bytes) -> frozenset[str]:
    """The addresses of an event, in small letters, whether it is iCalendar or the JSON of SOGo's page.

    Some may stand in a text of the event: they cost a wait at most.
    """
    try:
        text = json.dumps(json.loads(body), ensure_ascii=False)
    except ValueError:
        text = unfolded(body)
    return frozenset(found.lower() for found in ADDRESS.findall(text))


class Turns:
    """The saves that are before SOGo, by address."""

    def __init__(self) -> None:
        self.locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, names: Iterable[str], patience: float) -> AsyncIterator[None]:
        """The turn of all these names, after at most `patience` seconds. Raises TimeoutError.

        They are taken in order, so that two who want the same never wait for each other.
        """
        locks = [self.locks.setdefault(name, asyncio.Lock()) for name in sorted(names)]
        async with AsyncExitStack() as taken:
            async with asyncio.timeout(patience):
                for lock in locks:
                    await taken.enter_async_context(lock)
            yield
