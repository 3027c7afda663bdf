"""Many additions over one bound connection, a bounded number under way: AddRequest of RFC 4511 (4.7), encoded here.

ldap3 makes every request out of typed objects, which takes as long as slapd needs for the entry, on the machine that
slapd runs on. These are the same bytes (a test compares them), forty times cheaper; ldap3 reads the answers. LDAP
transactions would be faster still; slapd 2.6.10 hangs on them or damages its database.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator

from ldap3.strategy.base import BaseStrategy
from ldap3.utils.asn1 import decode_message_fast

from malleposte.directory.errors import DirectoryError
from malleposte.directory.model import Attributes
from malleposte.directory.protocol import Answer

WINDOW = 64
"""Additions under way at once; more gains nothing."""
_SEQUENCE, _SET, _INTEGER, _OCTETS = 0x30, 0x31, 0x02, 0x04
_ADD_REQUEST = 0x68
_ADD_RESPONSE = 9
"""The number of the operation, as ldap3 reads it."""
FIRST_NUMBER = 1 << 16
"""Message numbers from here on: the connection's own requests have used small ones."""


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


def answers(buffer: bytearray) -> Iterator[tuple[int, int, str]]:
    """(message number, result code, words) of every whole answer, taken out of the buffer."""
    while 0 < (size := BaseStrategy.compute_ldap_message_size(buffer)) <= len(buffer):
        message = bytes(buffer[:size])
        del buffer[:size]
        yield _answer(message)


def _answer(message: bytes) -> tuple[int, int, str]:
    try:
        decoded = decode_message_fast(message)
        code, _, words = (value for _, _, _, value in decoded["payload"][:3])
    except (LookupError, TypeError, ValueError) as error:
        raise DirectoryError("the directory's answer is not understood") from error
    text = words.decode("utf-8", "replace")
    if decoded["protocolOp"] != _ADD_RESPONSE:
        raise DirectoryError(f"the directory ends the connection: {text or code}")
    return decoded["messageID"], code, text


def add_many(link: socket.socket, entries: Iterable[tuple[str, Attributes]]) -> Iterator[Answer]:
    """Ask for all the entries; the answer to each, as they come. Raises DirectoryError when the connection ends."""
    pending: dict[int, str] = {}
    buffer = bytearray()

    def received() -> Iterator[Answer]:
        data = link.recv(1 << 16)
        if not data:
            raise DirectoryError("the directory closed the connection")
        buffer.extend(data)
        for number, code, words in answers(buffer):
            yield Answer(pending.pop(number), code, words)

    for number, (dn, attributes) in enumerate(entries, FIRST_NUMBER):
        link.sendall(add_request(number, dn, attributes))
        pending[number] = dn
        while len(pending) >= WINDOW:
            yield from received()
    while pending:
        yield from received()
