# SPDX-License-Identifier: GPL-3.0-or-later
"""Public keys as DNS wants them: DKIM (RFC 6376), DNSKEY and DS (RFC 4034, RFC 6605). For the controller."""

from __future__ import annotations

import base64

import dns.dnssec
import dns.dnssectypes
import dns.name
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from dns.rdtypes.ANY.DNSKEY import DNSKEY

FLAGS = 257
"""A zone key that is also the secure entry point: one key signs all."""


class KeyFormatError(ValueError):
    """A text that is not the expected public key."""


def dkim_value(pem: str) -> str:
    """The TXT value that publishes an RSA key for DKIM."""
    key = _public(pem)
    if not isinstance(key, RSAPublicKey):
        raise KeyFormatError("not an RSA public key")
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "v=DKIM1; k=rsa; p=" + base64.b64encode(der).decode()


def dnskey(pem: str) -> DNSKEY:
    """The DNSKEY of a P-256 key."""
    key = _public(pem)
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise KeyFormatError("not a P-256 public key")
    return dns.dnssec.make_dnskey(key, dns.dnssectypes.Algorithm.ECDSAP256SHA256, FLAGS)


def ds_record(pem: str, zone: str) -> str:
    """The DS record of a zone signed by that key, zone-file form: what a resolver takes as trust anchor."""
    owner = dns.name.from_text(zone.lower())
    return f"{owner} IN DS {dns.dnssec.make_ds(owner, dnskey(pem), 'SHA256')}"


def _public(pem: str) -> object:
    try:
        return load_pem_public_key(pem.strip().encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyFormatError("not a PEM public key") from error
