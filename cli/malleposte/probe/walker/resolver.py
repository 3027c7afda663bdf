"""A stub resolver over TCP: the records a mail platform publishes, and whether they were validated."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import struct
from dataclasses import dataclass, field

TYPES = {"A": 1, "MX": 15, "TXT": 16, "AAAA": 28, "TLSA": 52}
RESOLV_CONF = "/etc/resolv.conf"


class DnsError(Exception):
    """The resolver could not be asked, or answered with an error other than "no such name"."""


@dataclass(frozen=True)
class Answer:
    """Records of one name and type, in text; `secure` is the AD flag of the resolver."""

    records: list[str] = field(default_factory=list)
    secure: bool = False


def system_servers() -> list[str]:
    """The name servers of this host."""
    try:
        with open(RESOLV_CONF, encoding="utf-8") as lines:
            found = [line.split()[1] for line in lines if line.startswith("nameserver") and len(line.split()) > 1]
    except OSError:
        found = []
    return found or ["127.0.0.1"]


def question(name: str, kind: str, number: int) -> bytes:
    """A query asking for recursion and validation (RD, AD)."""
    labels = [label.encode("idna") for label in name.rstrip(".").split(".")]
    wire = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    return struct.pack("!6H", number, 0x0120, 1, 0, 0, 0) + wire + struct.pack("!2H", TYPES[kind], 1)


def read_name(data: bytes, at: int) -> tuple[str, int]:
    """The domain name at `at` (compression followed) and the offset after it."""
    labels: list[str] = []
    after = -1
    for _ in range(128):
        length = data[at]
        if length & 0xC0 == 0xC0:
            after = at + 2 if after < 0 else after
            at = (length & 0x3F) << 8 | data[at + 1]
        elif length:
            labels.append(data[at + 1 : at + 1 + length].decode("ascii", "replace").lower())
            at += 1 + length
        else:
            return ".".join(labels), (at + 1 if after < 0 else after)
    raise DnsError("a name in the answer points to itself")


def record_text(kind: str, data: bytes, at: int, length: int) -> str:
    """One record's data in the usual presentation (strings of a TXT joined)."""
    raw = data[at : at + length]
    if kind in ("A", "AAAA"):
        return str(ipaddress.ip_address(raw))
    if kind == "MX":
        return f"{int.from_bytes(raw[:2], 'big')} {read_name(data, at + 2)[0]}"
    if kind == "TLSA":
        return f"{raw[0]} {raw[1]} {raw[2]} {raw[3:].hex()}"
    text, cursor = b"", 0
    while cursor < length:
        size = raw[cursor]
        text += raw[cursor + 1 : cursor + 1 + size]
        cursor += 1 + size
    return text.decode("utf-8", "replace")


def parse(data: bytes, kind: str) -> Answer:
    """Read an answer. Raises DnsError on SERVFAIL and the like; an absent name is an empty answer."""
    _, flags, questions, answers, _, _ = struct.unpack_from("!6H", data)
    if flags & 0xF not in (0, 3):
        raise DnsError({2: "SERVFAIL", 5: "REFUSED"}.get(flags & 0xF, f"rcode {flags & 0xF}"))
    at, records = 12, []
    for _ in range(questions):
        at = read_name(data, at)[1] + 4
    for _ in range(answers):
        at = read_name(data, at)[1]
        found, _, _, length = struct.unpack_from("!2HIH", data, at)
        at += 10
        if found == TYPES[kind]:
            records.append(record_text(kind, data, at, length))
        at += length
    return Answer(sorted(records), bool(flags & 0x20))


def exchange(server: str, message: bytes, timeout: float) -> bytes:
    """Send one query over TCP and read its answer."""
    host, _, port = server.partition("#")
    with socket.create_connection((host, int(port or 53)), timeout) as link, link.makefile("rb") as stream:
        link.sendall(struct.pack("!H", len(message)) + message)
        head = stream.read(2)
        body = stream.read(int.from_bytes(head, "big")) if len(head) == 2 else b""
    if len(body) < 12 or body[:2] != message[:2]:
        raise DnsError("an incomplete answer")
    return body


def query(name: str, kind: str, servers: list[str] | None = None, timeout: float = 8.0) -> Answer:
    """Ask for records of `kind` (a key of TYPES); `servers` ("address" or "address#port") in turn."""
    message = question(name, kind, secrets.randbelow(65536))
    fault: Exception = DnsError("no name server")
    for server in servers or system_servers():
        try:
            return parse(exchange(server, message, timeout), kind)
        except (OSError, DnsError, struct.error, IndexError) as error:
            fault = error
    raise DnsError(f"{name} {kind}: {fault}")
