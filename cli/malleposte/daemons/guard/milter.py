"""The milter protocol, as Postfix speaks it (version 6; MILTER_README), for a filter that reads and may refuse.

A packet is its length in four octets, one octet of command, and data. Nothing of the envelope is asked for; headers and
body come without a wait for an answer where the mail server offers that.
"""

from __future__ import annotations

import struct

LARGEST = 1 << 20
"""Octets of a packet. Postfix sends header fields of `header_size_limit` (102,400) at most, and a body in pieces."""
PIECE = 65_535
"""Octets of a piece of the body."""
VERSION = 6
NEGOTIATE, MACROS, HEADER, BODY, END, ABORT = b"O", b"D", b"L", b"B", b"E", b"A"
QUIT, ANEW = b"Q", b"K"
CONTINUE, REPLY = b"c", b"y"
NO_ENVELOPE = 0x01 | 0x02 | 0x04 | 0x08
"""Connection, HELO, sender and recipients are not sent."""
NO_OTHERS = 0x40 | 0x100 | 0x200
"""Nor the end of the headers, unknown commands and DATA."""
NO_ANSWER_TO_HEADERS, NO_ANSWER_TO_BODY = 0x80, 0x80000
LEADING_SPACE = 0x100000
"""A field's value comes with the blanks after its colon."""
WANTED = NO_ENVELOPE | NO_OTHERS | NO_ANSWER_TO_HEADERS | NO_ANSWER_TO_BODY | LEADING_SPACE


class ProtocolError(Exception):
    """A packet that no mail server sends."""


class Packets:
    """The packets of a connection, whose octets come in pieces of any size."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self._octets = bytearray()

    def add(self, piece: bytes | memoryview) -> list[tuple[bytes, bytes]]:
        """Return the commands that are whole now, each with its data. Raises ProtocolError.

        Octets that wait for the rest of their packet are not copied again with each piece.
        """
        self._octets += piece
        commands, at = [], 0
        with memoryview(self._octets) as octets:
            while len(octets) - at >= 4:
                size = int.from_bytes(octets[at : at + 4])
                if not 1 <= size <= LARGEST:
                    raise ProtocolError(f"a packet of {size} octets")
                if len(octets) - at - 4 < size:
                    break
                commands.append((bytes(octets[at + 4 : at + 5]), bytes(octets[at + 5 : at + 4 + size])))
                at += 4 + size
        del self._octets[:at]
        return commands


def packet(command: bytes, data: bytes = b"") -> bytes:
    """A command as it is sent."""
    return struct.pack("!I", len(data) + 1) + command + data


def negotiated(data: bytes) -> tuple[bytes, int]:
    """The answer to a mail server's offer, and the steps (SMFIP_*) that are agreed on. Raises ProtocolError."""
    if len(data) < 12:
        raise ProtocolError("an offer that is cut off")
    version, _actions, steps = struct.unpack("!III", data[:12])
    agreed = steps & WANTED
    return packet(NEGOTIATE, struct.pack("!III", min(version, VERSION), 0, agreed)), agreed


def field(data: bytes) -> tuple[bytes, bytes]:
    """The name and the value of a header field. Raises ProtocolError."""
    name, _nul, rest = data.partition(b"\0")
    if not rest.endswith(b"\0"):
        raise ProtocolError("a header field that is cut off")
    return name, rest[:-1]


def refusal(text: str) -> bytes:
    """An answer that refuses the message for good: `text` with its code, one line of ASCII (RFC 5321, 4.2)."""
    return packet(REPLY, text.encode("ascii") + b"\0")
