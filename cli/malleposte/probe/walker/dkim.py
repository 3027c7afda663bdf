"""Verify RSA-SHA256 DKIM signatures (RFC 6376) with the standard library alone."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable

from . import der

PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")
Lookup = Callable[[str], list[str]]


class DkimError(Exception):
    """The reason why a signature does not hold."""


def tags(text: str) -> dict[str, str]:
    """The `k=v; k=v` list of a signature or key record, white space removed from values."""
    pairs = (part.split("=", 1) for part in text.split(";") if "=" in part)
    return {name.strip(): re.sub(r"\s+", "", value) for name, value in pairs}


def split(message: bytes) -> tuple[list[tuple[str, str]], bytes]:
    """Header fields (name, raw value with its folds) and body, lines ended by CRLF."""
    text = re.sub(rb"\r?\n", b"\r\n", message)
    head, _, body = text.partition(b"\r\n\r\n")
    lines = re.split(r"\r\n(?![ \t])", head.decode("utf-8", "surrogateescape"))
    return [(name, value) for name, _, value in (line.partition(":") for line in lines)], body


def canonical_body(body: bytes, method: str) -> bytes:
    """The body in `simple` or `relaxed` form."""
    if method == "relaxed":
        lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
        body = b"\r\n".join(lines)
    body = re.sub(rb"(\r\n)*\Z", b"", body)
    return body + b"\r\n" if body or method == "simple" else b""


def canonical_header(name: str, value: str, method: str) -> bytes:
    """One header field in `simple` or `relaxed` form, without its line end."""
    if method == "relaxed":
        name, value = name.strip().lower(), re.sub(r"[ \t\r\n]+", " ", value).strip()
    return f"{name}:{value}".encode("utf-8", "surrogateescape")


def signed_data(fields: list[tuple[str, str]], signature: tuple[str, str], named: str, method: str) -> bytes:
    """Return the signed data: the named fields from the bottom up, then the signature without its value."""
    left = list(fields)
    lines = []
    for name in named.lower().split(":"):
        for at in range(len(left) - 1, -1, -1):
            if left[at][0].strip().lower() == name:
                lines.append(canonical_header(*left.pop(at), method))
                break
    bare = re.sub(r"(^|;)(\s*b\s*=)[^;]*", r"\1\2", signature[1])
    return b"\r\n".join([*lines, canonical_header(signature[0], bare, method)])


def key_of(record: str) -> tuple[int, int]:
    """Modulus and exponent of a DKIM key record. Raises DkimError when it holds no RSA key."""
    values = tags(record)
    try:
        if values.get("k", "rsa") != "rsa" or not values.get("p"):
            raise ValueError("no RSA key")
        return der.rsa_numbers(base64.b64decode(values["p"], validate=True))
    except (ValueError, binascii.Error) as error:
        raise DkimError(f"key record: {error}") from error


def check(fields: list[tuple[str, str]], body: bytes, signature: tuple[str, str], lookup: Lookup) -> str:
    """Verify one signature field; returns its domain. Raises DkimError with the reason."""
    values = tags(signature[1])
    if values.get("a") != "rsa-sha256" or not {"b", "bh", "d", "s", "h"} <= values.keys():
        raise DkimError("signature is not a whole rsa-sha256 one")
    if "from" not in values["h"].lower().split(":"):
        raise DkimError("From is not signed")
    head_method, _, body_method = values.get("c", "simple/simple").partition("/")
    digest = hashlib.sha256(canonical_body(body, body_method or "simple")).digest()
    if base64.b64encode(digest).decode() != values["bh"]:
        raise DkimError("body was altered")
    records = lookup(f"{values['s']}._domainkey.{values['d']}")
    if not records:
        raise DkimError(f"no key published for {values['s']}._domainkey.{values['d']}")
    modulus, exponent = key_of(records[0])
    data = signed_data(fields, signature, values["h"], head_method)
    size = (modulus.bit_length() + 7) // 8
    block = PREFIX + hashlib.sha256(data).digest()
    expected = b"\0\1" + b"\xff" * (size - len(block) - 3) + b"\0" + block
    value = pow(int.from_bytes(base64.b64decode(values["b"]), "big"), exponent, modulus)
    if value.to_bytes(size, "big") != expected:
        raise DkimError("signature does not match")
    return values["d"]


def verify(message: bytes, domain: str, lookup: Lookup) -> str:
    """The selector-independent verdict: a signature of `domain` holds. Raises DkimError otherwise."""
    fields, body = split(message)
    reasons = []
    for at, (name, value) in enumerate(fields):
        if name.strip().lower() != "dkim-signature":
            continue
        try:
            if tags(value).get("d", "").lower() != domain.lower():
                raise DkimError(f"signed by {tags(value).get('d')}")
            return check(fields[:at] + fields[at + 1 :], body, (name, value), lookup)
        except (DkimError, ValueError) as error:
            reasons.append(str(error))
    raise DkimError("; ".join(reasons) or "no signature")
