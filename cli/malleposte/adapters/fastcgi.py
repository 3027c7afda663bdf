"""One question to a FastCGI server on a Unix socket of this host, as the web front asks it (FastCGI 1.0)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

BEGIN, END, PARAMETERS, INPUT, OUTPUT = 1, 3, 4, 5, 6
_HEAD = struct.Struct(">BBHHBx")
_RESPONDER = struct.pack(">HB5x", 1, 0)  # the connection is closed after the answer
_LONGEST = 0xFFFF  # bytes of a record


class NoAnswerError(Exception):
    """The server gave no whole answer. The text says why."""


def ask(path: Path, parameters: Mapping[str, str], body: bytes, patience: float) -> tuple[int, bytes]:
    """The status of the answer and what follows its headers. `patience` is for each piece. Raises NoAnswerError."""
    pairs = b"".join(map(_pair, parameters.keys(), parameters.values()))
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(patience)
            link.connect(str(path))
            link.sendall(_record(BEGIN, _RESPONDER) + _stream(PARAMETERS, pairs) + _stream(INPUT, body))
            with link.makefile("rb") as stream:
                output = b"".join(iter(lambda: _read(stream), None))
    except OSError as error:
        raise NoAnswerError(str(error) or type(error).__name__) from error
    head, separator, rest = output.partition(b"\r\n\r\n")
    if not separator:
        raise NoAnswerError("no headers")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"status":
            return int(value.split()[0]), rest
    return HTTPStatus.OK, rest


def _pair(name: str, value: str) -> bytes:
    name_, value_ = name.encode(), value.encode()
    return struct.pack(">II", len(name_) | 1 << 31, len(value_) | 1 << 31) + name_ + value_


def _record(kind: int, content: bytes) -> bytes:
    return _HEAD.pack(1, kind, 1, len(content), 0) + content


def _stream(kind: int, content: bytes) -> bytes:
    pieces = [content[start : start + _LONGEST] for start in range(0, len(content), _LONGEST)]
    return b"".join(_record(kind, piece) for piece in (*pieces, b""))


def _read(stream: BinaryIO) -> bytes | None:
    """A piece of the output, empty for other records; None at the end."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        raise NoAnswerError("closed before the end")
    _version, kind, _request, length, padding = _HEAD.unpack(head)
    content: bytes = stream.read(length + padding)[:length]
    if kind == END:
        return None
    return content if kind == OUTPUT else b""
