"""The doors of the platform: where an account has open sessions, and where its password or its rights are remembered.

A door can be closed on an account: its sessions end there and what is remembered of it is forgotten, so that the next
question goes to the directory. DAV has none of its own: its router asks Dovecot each time, and remembers refusals only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from malleposte.errors import InputError, MallepostError

UID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

Names = Callable[[str], Iterable[str]]
"""Every name that an account may have been opened under: uid, addresses, log-in aliases."""


class Door(Protocol):
    """One door. Both acts raise MallepostError when they cannot be done."""

    name: str

    def close(self, uid: str) -> None:
        """End the account's sessions and forget what is remembered of it."""

    def forget(self, uid: str) -> None:
        """Forget what is remembered of the account; sessions go on."""


@dataclass(frozen=True)
class Failure:
    """A door that could not be closed, and why."""

    door: str
    reason: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.door}: {self.reason}"


def checked(uid: str) -> str:
    """The uid, when it is one: it becomes part of commands and statements. Raises InputError."""
    if not UID.fullmatch(uid):
        raise InputError(f"{uid!r} is no log-in name")
    return uid


def close_all(doors: Iterable[Door], uid: str) -> list[Failure]:
    """Close every door on an account; those that could not be. Nothing is raised: one door never hides another."""
    return _each(doors, uid, lambda door: door.close(uid))


def forget_all(doors: Iterable[Door], uid: str) -> list[Failure]:
    """Let every door forget what it remembers of an account; those that could not."""
    return _each(doors, uid, lambda door: door.forget(uid))


def _each(doors: Iterable[Door], uid: str, act: Callable[[Door], None]) -> list[Failure]:
    checked(uid)
    failures: list[Failure] = []
    for door in doors:
        try:
            act(door)
        except MallepostError as error:
            failures.append(Failure(door.name, str(error)))
        except OSError as error:
            failures.append(Failure(door.name, error.strerror or str(error)))
    return failures
