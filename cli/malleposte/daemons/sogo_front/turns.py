"""Turns: saves that name the same address wait for one another, and each agent has a share of SOGo's workers."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakValueDictionary

from malleposte.groupware.zones import FOLD, in_zones

FIRST_YEAR = 1900
BEGINNING = re.compile(rb'DTSTART(?:;(?:[^:"]|"[^"]*")*+)?:(\d{4})\d{4}', re.IGNORECASE)
"""In a line of iCalendar: the year of an event. A time zone may begin in any."""
BEGINNING_IN_PAGE = re.compile(r"(\d{4})-")
"""In the field `startDate` of the JSON of SOGo's page: the same."""
BETWEEN = re.compile(r"[\s\"'<>:;,=\\/?&]+")
"""The letters that end an address. Text is split at them: to look for addresses costs by the square of long words."""
LONGEST = 320
"""Letters of an address (RFC 3696, 3)."""


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
    words = BETWEEN.split(text)
    return frozenset(word.lower() for word in words if "@" in word[1:-1] and len(word) <= LONGEST)


def too_early(body: bytes) -> bool:
    """Whether an event begins before 1900: SOGo walks through a daily rule from there, for a minute at each look."""
    try:
        document = json.loads(body)
    except ValueError:
        lines = in_zones(FOLD.sub(b"", body).splitlines())
        matches = [BEGINNING.match(line) for line, in_zone in lines if not in_zone]
        return any(int(match[1]) < FIRST_YEAR for match in matches if match)
    match = BEGINNING_IN_PAGE.match(str(document.get("startDate"))) if isinstance(document, dict) else None
    return bool(match and int(match[1]) < FIRST_YEAR)


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


class CrowdedError(Exception):
    """An agent has too many requests before SOGo already."""


class Share:
    """The requests of one agent: those that are before SOGo, and those that wait."""

    def __init__(self, most: int) -> None:
        """Let `most` before SOGo at once."""
        self.places, self.count = asyncio.Semaphore(most), 0


class Shares:
    """Each agent's share of SOGo's workers, so that none has them all."""

    def __init__(self, most: int, waiting: int) -> None:
        """Let `most` requests of an agent before SOGo at once, and `waiting` wait."""
        self.most, self.waiting = most, waiting
        self.agents: WeakValueDictionary[str, Share] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, agent: str, patience: float) -> AsyncIterator[None]:
        """Wait for a place of that agent, `patience` seconds at most. Raises CrowdedError."""
        share = self.agents.setdefault(agent, Share(self.most))
        if share.count >= self.most + self.waiting:
            raise CrowdedError
        share.count += 1
        try:
            try:
                async with asyncio.timeout(patience):
                    await share.places.acquire()
            except TimeoutError as error:
                raise CrowdedError from error
            try:
                yield
            finally:
                share.places.release()
        finally:
            share.count -= 1
