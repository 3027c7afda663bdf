"""A page of a search over a bound connection: ldap3 writes the request, the entries are read here.

ldap3 decodes each answer twice, into typed values and into raw ones, which takes four times as long as this reader.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import ldap3
from ldap3.core.results import RESULT_CODES
from ldap3.operation.search import search_operation
from ldap3.protocol.convert import build_controls_list
from ldap3.protocol.rfc2696 import paged_search_control
from ldap3.protocol.rfc4511 import LDAPMessage, MessageID, ProtocolOp
from ldap3.strategy.base import BaseStrategy
from ldap3.utils.asn1 import decode_message_fast, encode

from malleposte.directory.errors import DirectoryError
from malleposte.directory.model import Attributes
from malleposte.directory.protocol import Entry

SIZE = 1000
"""Entries of a page."""
_PAGED = "1.2.840.113556.1.4.319"
_ENTRY, _DONE, _REFERENCE, _INTERMEDIATE = 0x64, 0x65, 0x73, 0x79
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Page:
    """Entries, the result code with slapd's words, and the cookie of the next page; empty after the last one."""

    entries: list[Entry]
    code: int
    words: str
    cookie: bytes


def ask(connection: Any, base: str, where: str, attributes: Sequence[str], cookie: bytes | None = b"") -> Page:
    """Ask for a page of the entries right below `base`, and read it whole; for all of them where `cookie` is None.

    Raises LDAPException for a question that cannot be asked; OSError, and DirectoryError for an answer that is not
    understood: the connection is of no more use then.
    """
    if connection.closed:
        raise DirectoryError("the connection is closed")
    number = connection.server.next_message_id()
    connection.socket.sendall(_request(number, base, where, attributes, cookie))
    return _read(connection.socket, number)


def _request(number: int, base: str, where: str, attributes: Sequence[str], cookie: bytes | None) -> bytes:
    asked = list(attributes) or [ldap3.NO_ATTRIBUTES]
    request = search_operation(
        base, where, ldap3.LEVEL, ldap3.DEREF_ALWAYS, asked, 0, 0, False, auto_escape=True, auto_encode=True
    )  # fmt: skip
    message = LDAPMessage()
    message["messageID"] = MessageID(number)
    message["protocolOp"] = ProtocolOp().setComponentByName("searchRequest", request)
    if cookie is not None:
        message["controls"] = build_controls_list([paged_search_control(False, SIZE, cookie or None)])
    return bytes(encode(message))


def _read(link: socket.socket, number: int) -> Page:
    entries = list[Entry]()
    for message in _messages(link):
        try:
            place, _whole = _inside(message, 0)
            place, size = _inside(message, place)
            answered, place = int.from_bytes(message[place : place + size]), place + size
            kind = message[place]
            if answered != number:
                raise DirectoryError("the directory ends the connection, or answers another question")
            if kind == _ENTRY:
                entries.append(_entry(message, place))
            elif kind == _DONE:
                return Page(entries, *_result(message))
            elif kind not in (_REFERENCE, _INTERMEDIATE):
                raise ValueError(f"kind {kind:#x}")
        except (LookupError, TypeError, ValueError) as error:
            raise DirectoryError("the directory's answer is not understood") from error
    raise DirectoryError("the directory closed the connection")


def _messages(link: socket.socket) -> Iterator[bytes]:
    """Yield whole messages, as they come."""
    rest = b""
    while data := link.recv(_CHUNK):
        rest = rest + data if rest else data
        place, end = 0, len(rest)
        while 0 < (size := BaseStrategy.compute_ldap_message_size(rest[place : place + 10])) <= end - place:
            yield rest[place : place + size]
            place += size
        rest = rest[place:]


def _inside(data: bytes, place: int) -> tuple[int, int]:
    """Return where the content of the element at this place begins, and its size (X.690, definite lengths)."""
    size = data[place + 1]
    place += 2
    if size < 0x80:
        return place, size
    many = size & 0x7F
    return place + many, int.from_bytes(data[place : place + many])


def _entry(data: bytes, place: int) -> Entry:
    """Read a SearchResultEntry (RFC 4511, 4.5.2). Lengths of one byte, which are nearly all, are read in place."""
    place, size = _inside(data, place)
    place, size = _inside(data, place)
    dn = data[place : place + size].decode("utf-8", "replace")
    place, size = _inside(data, place + size)
    end = place + size
    attributes: Attributes = {}
    while place < end:
        place, size = (place + 2, data[place + 1]) if data[place + 1] < 0x80 else _inside(data, place)
        place, size = (place + 2, data[place + 1]) if data[place + 1] < 0x80 else _inside(data, place)
        name = data[place : place + size].decode("ascii")
        place += size
        place, size = (place + 2, data[place + 1]) if data[place + 1] < 0x80 else _inside(data, place)
        stop = place + size
        values = list[str]()
        while place < stop:
            place, size = (place + 2, data[place + 1]) if data[place + 1] < 0x80 else _inside(data, place)
            values.append(data[place : place + size].decode("utf-8", "replace"))
            place += size
        if values:
            attributes[name] = values
    if place != end or end > len(data):
        raise ValueError("an entry that does not end where it says")
    return Entry(dn, attributes)


def _result(message: bytes) -> tuple[int, str, bytes]:
    """Return the result code, slapd's words and the cookie of a SearchResultDone."""
    decoded = decode_message_fast(message)
    code, _, words = (value for _, _, _, value in decoded["payload"][:3])
    controls = dict[str, Any](BaseStrategy.decode_control_fast(one[3]) for one in decoded["controls"] or ())
    cookie = controls[_PAGED]["value"]["cookie"] if _PAGED in controls else b""
    return code, words.decode("utf-8", "replace") or str(RESULT_CODES.get(code, code)), cookie or b""
