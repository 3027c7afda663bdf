# SPDX-License-Identifier: GPL-3.0-or-later
"""One DNS question to one server (RFC 1035, RFC 6891), enough to learn its verdict. Standard library only."""

from __future__ import annotations

import secrets
import socket
import struct
from dataclasses import dataclass

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "DS": 43, "DNSKEY": 48,
         "TLSA": 52, "CAA": 257}
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
UDP_SIZE = 1232
"""Bytes of an answer at most, the value that never fragments (DNS flag day 2020)."""


class WireError(Exception):
    """No usable answer; the message says why."""


@dataclass(frozen=True)
class Verdict:
    """What a server said: response code, whether it validated the answer, how many records."""

    rcode: str
    secure: bool
    answers: int


def encode_name(name: str) -> bytes:
    """Wire form of an absolute name. Raises WireError on a label that cannot be."""
    wire = b""
    for label in name.rstrip(".").split("."):
        if not label:
            continue
        raw = label.encode("ascii", "strict") if label.isascii() else b""
        if not 0 < len(raw) < 64:
            raise WireError(f"{name}: not a DNS name")
        wire += bytes([len(raw)]) + raw
    return wire + b"\0"


def build_query(name: str, rtype: str, ident: int) -> bytes:
    """A recursive question with AD and DO set, so that the answer tells whether it was validated (RFC 6840)."""
    if rtype not in TYPES:
        raise WireError(f"{rtype}: unknown type; known: {', '.join(sorted(TYPES))}")
    header = struct.pack("!HHHHHH", ident, 0x0120, 1, 0, 0, 1)
    question = encode_name(name) + struct.pack("!HH", TYPES[rtype], 1)
    edns = b"\0" + struct.pack("!HHIH", 41, UDP_SIZE, 0x8000, 0)
    return header + question + edns


def parse_verdict(answer: bytes, ident: int) -> Verdict:
    """Reads the header of an answer. Raises WireError when it is not the answer to that question."""
    if len(answer) < 12:
        raise WireError("the answer is shorter than a header")
    got, flags, _questions, answers, _authority, _additional = struct.unpack("!HHHHHH", answer[:12])
    if got != ident or not flags & 0x8000:
        raise WireError("the answer is not to this question")
    code = flags & 0x000F
    return Verdict(rcode=RCODES.get(code, str(code)), secure=bool(flags & 0x0020), answers=answers)


def ask(server: str, name: str, rtype: str, timeout: float, port: int = 53) -> Verdict:
    """Asks over UDP; ``timeout`` in seconds. Raises WireError when nothing usable comes back."""
    ident = secrets.randbelow(65536)
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(timeout)
        try:
            sock.connect((server, port))
            sock.send(build_query(name, rtype, ident))
            return parse_verdict(sock.recv(65535), ident)
        except OSError as error:
            raise WireError(f"{server}: {error.strerror or 'no answer in time'}") from error
