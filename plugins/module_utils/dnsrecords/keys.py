# SPDX-License-Identifier: GPL-3.0-or-later
"""Public keys as DNS wants them: DKIM (RFC 6376), DNSKEY and DS (RFC 4034, RFC 6605). Standard library only."""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct

ALGORITHM = 13
"""ECDSA P-256 with SHA-256."""
FLAGS = 257
"""A zone key that is also the secure entry point: one key signs all."""
SPKI_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200" "04")
"""DER before the two 32-byte coordinates of a P-256 public key (RFC 5480)."""


class KeyFormatError(ValueError):
    """A text that is not the expected public key."""


def der_of(pem: str) -> bytes:
    """The bytes inside a ``PUBLIC KEY`` block (RFC 7468)."""
    lines = [line.strip() for line in pem.strip().splitlines()]
    if len(lines) < 3 or lines[0] != "-----BEGIN PUBLIC KEY-----" or lines[-1] != "-----END PUBLIC KEY-----":
        raise KeyFormatError("not a PEM public key")
    try:
        return base64.b64decode("".join(lines[1:-1]), validate=True)
    except binascii.Error as error:
        raise KeyFormatError(f"not a PEM public key: {error}") from error


def dkim_value(pem: str) -> str:
    """The TXT value that publishes an RSA key for DKIM."""
    return "v=DKIM1; k=rsa; p=" + base64.b64encode(der_of(pem)).decode()


def dnskey_rdata(pem: str) -> bytes:
    """Wire form of the DNSKEY of a P-256 key."""
    der = der_of(pem)
    if not der.startswith(SPKI_P256) or len(der) != len(SPKI_P256) + 64:
        raise KeyFormatError("not a P-256 public key")
    return struct.pack("!HBB", FLAGS, 3, ALGORITHM) + der[len(SPKI_P256):]


def key_tag(rdata: bytes) -> int:
    """Key tag (RFC 4034, appendix B)."""
    total = sum(byte << 8 if index % 2 == 0 else byte for index, byte in enumerate(rdata))
    return (total + (total >> 16)) & 0xFFFF


def ds_record(pem: str, zone: str) -> str:
    """The DS record of a zone signed by that key, zone-file form: what a resolver takes as trust anchor."""
    rdata = dnskey_rdata(pem)
    owner = zone.rstrip(".").lower()
    wire = b"".join(bytes([len(label)]) + label.encode("ascii") for label in owner.split(".") if label) + b"\0"
    digest = hashlib.sha256(wire + rdata).hexdigest()
    return f"{owner}. IN DS {key_tag(rdata)} {ALGORITHM} 2 {digest}"
