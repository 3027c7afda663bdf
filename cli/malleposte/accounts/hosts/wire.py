"""The messages on a connection to a hostd: JSON, a line each way; the files of an export between them.

Over TLS the first line proves the client. A request names its act, the version of the table that the caller has, and
the arguments; the answer is `Done` or `Refused`. Before it an export sends `Content` and that number of bytes for each
file, or `Missing`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from malleposte.core.errors import InputError

LONGEST = 32_768
"""Bytes of a request: an account has few names."""
LARGEST = 1 << 30
"""Bytes of a file of an export."""


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The client's name and secret."""

    client: str
    secret: str

    def __repr__(self) -> str:
        """The name alone."""
        return f"Proof({self.client!r})"


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An act; its arguments have the form `Act.request`."""

    act: str
    version: str
    arguments: msgspec.Raw


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The answer of an act, null for a stream of files that came whole."""

    answer: msgspec.Raw = msgspec.Raw(b"null")


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """An act that was not done, why, and what to do."""

    error: str
    hint: str | None = None


class Content(msgspec.Struct, frozen=True, tag="content"):
    """A file of an export, whose `size` bytes follow. See model.File."""

    name: str
    kind: str
    when: float
    size: int


class Missing(msgspec.Struct, frozen=True, tag="missing"):
    """A part that could not be read, and why."""

    reason: str


Reply = Done | Refused | Content | Missing


def read[T](line: bytes, kind: type[T]) -> T:
    """Return the message or the arguments of a line. Raises InputError for what is none, too deep or not UTF-8."""
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InputError(str(error), "deploy all hosts from one version of Malleposte") from error


def encoded(value: Any) -> bytes:
    """Return a value as JSON. A byte of a file's name that is not UTF-8 becomes a question mark."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(value), ensure_ascii=False).encode("utf-8", "replace")


def fitting[T](parts: Iterable[T], most: int) -> Iterator[tuple[T, ...]]:
    """Yield so many parts at a time as fit a request, `most` at the most."""
    batch, size = list[T](), 0
    for part in parts:
        more = len(encoded(part)) + 1
        if batch and (len(batch) >= most or size + more > LONGEST // 2):
            yield tuple(batch)
            batch, size = [], 0
        batch.append(part)
        size += more
    if batch:
        yield tuple(batch)


def line(message: msgspec.Struct) -> bytes:
    """Return a message as a line."""
    return encoded(message) + b"\n"
