# SPDX-License-Identifier: GPL-3.0-or-later
"""Records as text of a zone file (RFC 1035, section 5). Standard library only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

TYPES = ("A", "AAAA", "CAA", "CNAME", "DS", "MX", "NS", "PTR", "SRV", "TLSA", "TXT")
OWNER = re.compile(r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,62})?\.)+")
TXT_CHUNK = 255
"""Bytes in one string of a TXT record at most."""


class RecordError(ValueError):
    """A record that no server would load; the message names it."""


def absolute(name: str) -> str:
    """Lower case, with the final dot."""
    return name.rstrip(".").lower() + "."


def quote_txt(text: str) -> str:
    """One TXT value in strings of 255 bytes at most, quoted."""
    raw = text.encode()
    chunks = [raw[start : start + TXT_CHUNK] for start in range(0, len(raw), TXT_CHUNK)] or [b""]
    return " ".join('"' + "".join(escape(byte) for byte in chunk) + '"' for chunk in chunks)


def escape(byte: int) -> str:
    """One byte inside a quoted string."""
    if byte in b'"\\':
        return "\\" + chr(byte)
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03d}"


def line_of(record: Mapping[str, Any], ttl: int) -> str:
    """One record as a line. TXT data is the plain value. Raises RecordError."""
    name, rtype, data = absolute(str(record.get("name", ""))), str(record.get("type", "")), str(record.get("data", ""))
    if not OWNER.fullmatch(name):
        raise RecordError(f"record {name!r}: not a domain name")
    if rtype not in TYPES:
        raise RecordError(f"record {name} {rtype}: unknown type; known: {', '.join(TYPES)}")
    if not data or "\n" in data:
        raise RecordError(f"record {name} {rtype}: data must be one line of text")
    value = quote_txt(data) if rtype == "TXT" else data
    return f"{name}\t{int(record.get('ttl') or ttl)}\tIN\t{rtype}\t{value}"


def zone_lines(records: Iterable[Mapping[str, Any]], ttl: int = 3600) -> list[str]:
    """All records as sorted lines without doubles; a CNAME beside another record is refused (RFC 1034, 3.6.2)."""
    listed = list(records)
    lines = sorted({line_of(record, ttl) for record in listed})
    types: dict[str, set[str]] = {}
    for line in lines:
        name, _ttl, _class, rtype, _data = line.split("\t", 4)
        types.setdefault(name, set()).add(rtype)
    for name, kinds in types.items():
        aliases = [line for line in lines if line.startswith(name + "\t") and "\tCNAME\t" in line]
        if "CNAME" in kinds and (len(kinds) > 1 or len(aliases) > 1):
            raise RecordError(f"record {name}: a CNAME stands alone, found beside it: {', '.join(sorted(kinds))}")
    return lines
