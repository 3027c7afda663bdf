"""Access channels: where an account has open sessions, and where its password or its rights are remembered.

A channel can be closed on an account: its sessions end there and what is remembered of it is forgotten, so that the
next question goes to the directory. DAV has none of its own: its router asks Dovecot each time, and remembers
refusals only.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from malleposte.core.errors import InputError, MallepostError
from malleposte.core.loops import named
from malleposte.platform.identity import is_uid

MANY = 100
"""Accounts of one turn."""
Names = Callable[[str], Iterable[str]]
"""Every name that an account may have been opened under: uid, addresses, log-in aliases."""


class Channel(Protocol):
    """One channel. Each act raises MallepostError when it cannot be done."""

    name: str

    def close(self, uid: str) -> None:
        """End the account's sessions and forget what is remembered of it."""

    def close_many(self, uids: Sequence[str]) -> None:
        """Close it on many accounts at once."""

    def forget(self, uid: str) -> None:
        """Forget what is remembered of the account; sessions go on."""


@dataclass(frozen=True)
class Failure:
    """A channel that could not be closed, and why."""

    channel: str
    reason: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.channel}: {self.reason}"


def demand_all(failures: list[Failure]) -> None:
    """Raise MallepostError where a channel failed."""
    if failures:
        raise MallepostError("; ".join(map(str, failures)))


def checked(uid: str) -> str:
    """The uid, when it is one: it becomes part of commands and statements. Raises InputError."""
    if not is_uid(uid):
        raise InputError(f"{uid!r} is no log-in name")
    return uid


def close_all(channels: Iterable[Channel], uid: str) -> list[Failure]:
    """Close every channel on an account; returns those that could not be. None hides another: nothing is raised."""
    return _each(channels, uid, lambda channel: channel.close(uid))


def close_many(
    channels: Iterable[Channel], uids: Sequence[str], progress: Callable[[int], None] = lambda _more: None
) -> list[Failure]:
    """Close every channel on many accounts, MANY at a time; return those that could not be closed, each once.

    A channel that failed is left out from then on: its host would be waited for again and again. `progress` is called
    with the number of accounts of each turn.
    """
    failures = dict[str, Failure]()
    channels = list(channels)
    for uid in uids:
        checked(uid)
    for batch in itertools.batched(uids, MANY, strict=False):
        for channel in [one for one in channels if one.name not in failures]:
            failed = list[Failure]()
            with noted(failed, channel.name):
                channel.close_many(batch)
            failures |= {one.channel: one for one in failed}
        progress(len(batch))
    return list(failures.values())


def forget_all(channels: Iterable[Channel], uid: str) -> list[Failure]:
    """Clear the caches of every channel for an account; return those that failed."""
    return _each(channels, uid, lambda channel: channel.forget(uid))


def _each(channels: Iterable[Channel], uid: str, act: Callable[[Channel], None]) -> list[Failure]:
    checked(uid)
    failures: list[Failure] = []
    for channel in channels:
        with noted(failures, channel.name):
            act(channel)
    return failures


def noted(failures: list[Failure], channel: str, host: str = "") -> AbstractContextManager[None]:
    """Note what fails within as a failure of the channel, on that host where it is another one; the loop goes on."""
    return named(lambda line: failures.append(Failure(channel, f"on {host}: {line}" if host else line)))
