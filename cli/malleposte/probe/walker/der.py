"""The few lines of DER that the probe needs: a certificate's public key, the numbers of an RSA key."""

from __future__ import annotations


def element(data: bytes, at: int = 0) -> tuple[int, int, int]:
    """The element at `at`: (tag, start of its content, end). Raises ValueError when it is cut short."""
    if at + 2 > len(data):
        raise ValueError("DER ends early")
    tag, length, start = data[at], data[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        length = int.from_bytes(data[start : start + size], "big")
        start += size
    if start + length > len(data):
        raise ValueError("DER ends early")
    return tag, start, start + length


def children(data: bytes, at: int = 0) -> list[tuple[int, int, int]]:
    """(tag, offset, end) of each element inside the constructed element at `at`."""
    _, cursor, end = element(data, at)
    elements = []
    while cursor < end:
        tag, _, stop = element(data, cursor)
        elements.append((tag, cursor, stop))
        cursor = stop
    return elements


def public_key_info(certificate: bytes) -> bytes:
    """The SubjectPublicKeyInfo of an X.509 certificate (what a TLSA `x 1 1` record digests)."""
    body = children(certificate)[0][1]
    fields = children(certificate, body)
    key = fields[6] if fields[0][0] == 0xA0 else fields[5]
    return certificate[key[1] : key[2]]


def rsa_numbers(info: bytes) -> tuple[int, int]:
    """Modulus and exponent of an RSA SubjectPublicKeyInfo. Raises ValueError when it is none."""
    parts = children(info)
    if len(parts) != 2 or parts[1][0] != 0x03:
        raise ValueError("not a public key")
    _, start, end = element(info, parts[1][1])
    key = info[start + 1 : end]
    numbers = [element(key, at) for _, at, _ in children(key)]
    if len(numbers) != 2 or any(tag != 0x02 for tag, _, _ in numbers):
        raise ValueError("not an RSA key")
    modulus, exponent = (int.from_bytes(key[begin:stop], "big") for _, begin, stop in numbers)
    return modulus, exponent
