"""The spool in which orders wait: a program of Dovecot's writes them as the user of the store, a daemon takes them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

import msgspec

from malleposte.core.loops import named
from malleposte.platform.identity import is_uid
from malleposte.runtime import durable, owner

SUFFIX = ".json"


class Order(Protocol):
    """The order of an agent's act."""

    @property
    def uid(self) -> str:
        """The account whose act it was."""


def account(path: Path) -> str:
    """Return the account whose order a file holds, by its name: an account's name may have dots."""
    return path.name.removesuffix(SUFFIX).rpartition(".")[0]


def write(spool: Path, order: Order, most: int) -> bool:
    """Write an order down; return whether there was room: no more than `most` of an account wait to be taken."""
    if sum(account(path) == order.uid for path in spool.glob(f"[!.]*{SUFFIX}")) > most:
        return False
    durable.write(spool / f"{order.uid}.{time.time_ns()}{SUFFIX}", msgspec.json.encode(order), 0o600)
    return True


def waiting(spool: Path) -> list[Path]:
    """Return the files of the orders that wait, the first first."""
    with owner.as_owner(spool):
        return sorted(spool.glob(f"[!.]*{SUFFIX}"), key=lambda path: path.name.split(".")[-2])


def read[T: Order](path: Path, kind: type[T], say: Callable[[str], None], *, largest: int) -> T | None:
    """Return the order in a file, of the account that the file names; None for what is none, with a word."""
    try:
        order = msgspec.json.decode(owner.read(path)[:largest], type=kind)
    except (msgspec.MsgspecError, OSError) as error:
        say(f"{path.name}: no order: {error}")
        return None
    return order if is_uid(order.uid) and account(path) == order.uid else None


def remove(spool: Path, paths: Iterable[Path]) -> None:
    """Remove orders that were taken."""
    with owner.as_owner(spool):
        for path in paths:
            path.unlink(missing_ok=True)


def empty[T: Order](
    spool: Path, kind: type[T], take: Callable[[T], None], say: Callable[[str], None], *, largest: int,
    most: int | None = None,
) -> None:  # fmt: skip
    """Have orders taken in the order in which they were given, `most` at a time; what is none goes with a word.

    One that cannot be taken stays, is tried again the next time, and keeps back those of its account alone.
    """
    delayed, tried = set[str](), 0
    for path in waiting(spool):
        if tried == most:
            break
        if account(path) in delayed:
            continue
        failed = list[str]()
        with named(failed.append, path.name):
            order = read(path, kind, say, largest=largest)
            if order:
                take(order)
            remove(spool, [path])
            tried += 1
        for line in failed:
            say(line)
            delayed.add(account(path))
