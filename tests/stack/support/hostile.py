"""Mail that is made to cost its readers more than its sender: each kind upstream has mended, or that was found here."""

import base64
import binascii
from collections.abc import Mapping

LEVEL = b"Content-Type: message/rfc822\r\n\r\n"
MANY = 8000
"""Levels of a chain that keeps the filter's parser busy for two seconds."""
MIXED = b'Content-Type: multipart/mixed; boundary="zz"\r\n\r\n'
P7 = b"Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\r\n"
BASE64 = b"Content-Transfer-Encoding: base64\r\n"
QUOTED = b"Content-Transfer-Encoding: quoted-printable\r\n"


def der(tag: int, octets: bytes) -> bytes:
    """An element in DER (X.690)."""
    size = len(octets)
    if size < 128:
        return bytes([tag, size]) + octets
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + octets


SIGNED_DATA, ENVELOPED_DATA, DATA = (bytes.fromhex(f"06092a864886f70d0107{last}") for last in ("02", "03", "01"))


def pkcs7(octets: bytes, kind: bytes = SIGNED_DATA) -> bytes:
    """A content of PKCS #7 around a DER string: signed by nobody, which a parser of structure does not mind."""
    inner = der(0x30, DATA + der(0xA0, octets))
    return der(0x30, kind + der(0xA0, der(0x30, b"\x02\x01\x01" + der(0x31, b"") + inner + der(0x31, b""))))


def part(header: bytes, content: bytes) -> bytes:
    """The rest of a message of one part: its last field, and the body."""
    return MIXED + b"--zz\r\n" + header + b"\r\n" + content + b"\r\n--zz--\r\n"


def lines(digits: bytes, width: int = 76) -> bytes:
    """The digits of an encoding in lines."""
    return b"\r\n".join(digits[at : at + width] for at in range(0, len(digits), width))


def chain(level: bytes = LEVEL, many: int = MANY) -> bytes:
    """The rest of a message of so many levels."""
    return level * many + b"x\r\n"


def chains() -> Mapping[str, bytes]:
    """The rest of a message, from its Content-Type on, by how a chain of levels hides in it."""
    plain = chain()
    quoted = plain.replace(b"message", b"m=65ssage")
    rows = (binascii.b2a_uu(plain[at : at + 45]).strip(b"\n") for at in range(0, len(plain), 45))
    pieces = b"".join(der(4, plain[at : at + 5]) for at in range(0, len(plain), 5))
    message = b"Content-Type: message/rfc822\r\n"
    uuencoded = b"begin 644 x\r\n" + b"\r\n".join(rows) + b"\r\n`\r\nend"
    signed = lines(base64.b64encode(pkcs7(der(4, plain))))
    return {
        "plain": plain,
        "without a subtype": chain(b"Content-Type: message\r\n\r\n"),
        "another subtype": chain(b"Content-Type: message/news\r\n\r\n"),
        "small letters, folded": chain(b"content-type:\r\n message/rfc822\r\n\r\n"),
        "capitals": chain(b"CONTENT-TYPE: MESSAGE/RFC822\r\n\r\n"),
        "bare CR": chain(b"Content-Type: message/rfc822\r\r"),
        "blank lines": chain(LEVEL + b"\r\n\r\n"),
        "comment": chain(b"Content-Type: (x) message/rfc822\r\n\r\n"),
        "long comment": chain(b"Content-Type: (" + b"x" * 400 + b") message/rfc822\r\n\r\n", 400),
        "NUL in the type": LEVEL + chain(b"Content-Type: mess\0age/rfc822\r\n\r\n"),
        "NUL in the name": LEVEL + chain(b"Content-\0Type: message/rfc822\r\n\r\n"),
        "second field": chain(b"Content-Type: message/rfc822\r\nContent-Type: text/plain\r\n\r\n"),
        "in a part": part(message, plain),
        "quoted-printable": part(message + QUOTED, quoted),
        "twice quoted-printable": part(message + QUOTED, message + QUOTED + b"\r\n" + quoted.replace(b"=", b"=3D")),
        "quoted-printable after blank lines": LEVEL + b"\r\n" + message + QUOTED + b"\r\n" + quoted,
        "uuencode": part(message + b"Content-Transfer-Encoding: x-uuencode\r\n", uuencoded),
        "signed": part(P7 + BASE64, signed),
        "signed, in long lines": P7 + BASE64 + b"\r\n" + lines(base64.b64encode(pkcs7(der(4, plain))), 1000),
        "signed, in pieces": part(P7 + BASE64, lines(base64.b64encode(pkcs7(der(0x24, pieces))))),
        "signed, in other letters": part(P7 + BASE64, signed.replace(b"\r\n", b"!\r\n")),
        "signed, not in base64": P7 + b"\r\n" + pkcs7(der(0x24, pieces)),
        "signed, quoted-printable": part(P7 + QUOTED, b"".join(b"=%02X" % one for one in pkcs7(der(4, plain)))),
        "levels times boundaries": chain(many=60) + MIXED + b"--zz\r\nContent-Type: text/plain\r\n\r\nx\r\n" * 1000,
        "boundaries": MIXED + b"--zz\r\n\r\nx\r\n" * 20_000,
        "fields": b"X-An: b\r\n" * 12_000 + b"\r\nx\r\n",
        "fields of a part": MIXED + b"--zz\r\n" + b"X-An: b\r\n" * 12_000 + b"\r\nx\r\n",
        "fields of a message within": LEVEL + b"\r\n" + b"X-An: b\r\n" * 12_000 + b"\r\nx\r\n",
    }  # fmt: skip
