"""Many additions over one bound connection, a bounded number under way: AddRequest of RFC 4511 (4.7), encoded here.

ldap3 makes every request out of typed objects, which takes as long as slapd needs for the entry, on the machine that
slapd runs on. These are the same bytes (a test compares them), forty times cheaper. LDAP transactions would be faster
still; slapd 2.6.10 hangs on them or damages its database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from malleposte.directory.errors import DirectoryError
from malleposte.directory.model import Attributes
from malleposte.directory.protocol import Answer

WINDOW = 64
"""Additions under way at once; more gains nothing."""
_SEQUENCE, _SET, _INTEGER, _OCTETS, _ENUMERATED = 0x30, 0x31, 0x02, 0x04, 0x0A
_ADD_REQUEST, _ADD_RESPONSE = 0x68, 0x69
FIRST_NUMBER = 1 << 16
"""Message numbers from here on: the connection's own requests have used small ones."""


class Socket(Protocol):
    """The methods used of the connection's socket, in clear or over TLS."""

    def sendall(self, data: bytes, /) -> None:
        """Send all of it."""

    def recv(self, size: int, /) -> bytes:
        """Some bytes; none at the end."""


def tlv(tag: int, *content: bytes) -> bytes:
    """One element: tag, length, content (X.690, definite lengths)."""
    body = b"".join(content)
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + body


def add_request(number: int, dn: str, attributes: Attributes) -> bytes:
    """The LDAPMessage that asks for an entry."""
    listed = [
        tlv(_SEQUENCE, tlv(_OCTETS, name.encode()), tlv(_SET, *(tlv(_OCTETS, one.encode()) for one in values)))
        for name, values in attributes.items()
    ]
    whole = tlv(_ADD_REQUEST, tlv(_OCTETS, dn.encode()), tlv(_SEQUENCE, *listed))
    return tlv(_SEQUENCE, tlv(_INTEGER, number.to_bytes(number.bit_length() // 8 + 1)), whole)


def _element(data: bytes | bytearray, start: int) -> tuple[int, int, int]:
    """(tag, where the content begins, where it ends) of the element at `start`. IndexError while it is not whole."""
    tag, size = data[start], data[start + 1]
    begins = start + 2
    if size & 0x80:
        width = size & 0x7F
        if not 0 < width <= 4:
            raise DirectoryError("the directory's answer is not understood")
        begins += width
        data[begins - 1]  # the length itself is whole
        size = int.from_bytes(data[begins - width : begins])
    if begins + size > len(data):
        raise IndexError
    return tag, begins, begins + size


def answers(buffer: bytearray) -> Iterator[tuple[int, int, str]]:
    """(message number, result code, words) of every whole answer, taken out of the buffer."""
    while True:
        try:
            _, start, end = _element(buffer, 0)
        except IndexError:
            return
        message = bytes(buffer[start:end])
        del buffer[:end]
        yield _answer(message)


def _answer(message: bytes) -> tuple[int, int, str]:
    try:
        _, start, end = _element(message, 0)
        number = int.from_bytes(message[start:end])
        tag, start, _ = _element(message, end)
        _, start, end = _element(message, start)
        code = int.from_bytes(message[start:end])
        _, _, end = _element(message, end)
        _, start, end = _element(message, end)
        words = message[start:end].decode("utf-8", "replace")
    except IndexError as error:
        raise DirectoryError("the directory's answer is not understood") from error
    if tag != _ADD_RESPONSE:
        raise DirectoryError(f"the directory ends the connection: {words or code}")
    return number, code, words


def add_many(socket: Socket, entries: Iterable[tuple[str, Attributes]]) -> Iterator[Answer]:
    """Ask for all the entries; the answer to each, as they come. Raises DirectoryError when the connection ends."""
    pending: dict[int, str] = {}
    buffer = bytearray()

    def received() -> Iterator[Answer]:
        data = socket.recv(1 << 16)
        if not data:
            raise DirectoryError("the directory closed the connection")
        buffer.extend(data)
        for number, code, words in answers(buffer):
            yield Answer(pending.pop(number), code, words)

    for number, (dn, attributes) in enumerate(entries, FIRST_NUMBER):
        socket.sendall(add_request(number, dn, attributes))
        pending[number] = dn
        while len(pending) >= WINDOW:
            yield from received()
    while pending:
        yield from received()
