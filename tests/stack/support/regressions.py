"""A message for each fault that rspamd mended upstream after Debian's version: the rest of it from some field on.

The digits in the name of each are those of rspamd's commit.
"""

import base64
import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

from tests.stack.support.hostile import BASE64, LEVEL, MIXED, P7, QUOTED, chain, der, lines, part, pkcs7

HTML = b"Content-Type: text/html; charset=utf-8\r\n\r\n"
ZIP = b'Content-Type: application/zip; name="x.zip"\r\n' + BASE64


def png() -> bytes:
    """A picture of one dot."""
    head = struct.pack("!IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(b"\0\0")), (b"IEND", b""))
    made = (
        struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(made)


def pictures(number: int) -> bytes:
    """A page that names so many pictures, which are its other parts."""
    page = b"".join(b'<img src="cid:p%d">' % one for one in range(number))
    picture = lines(base64.b64encode(png()))
    head = b'Content-Type: multipart/related; boundary="zz"\r\n\r\n--zz\r\n' + HTML + page + b"\r\n"
    parts = (
        b"--zz\r\nContent-Type: image/png\r\nContent-ID: <p%d>\r\n" % one + BASE64 + b"\r\n" + picture + b"\r\n"
        for one in range(number)
    )
    return head + b"".join(parts) + b"--zz--\r\n"


def archive(names: int) -> bytes:
    """A ZIP of so many empty files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as opened:
        for one in range(names):
            opened.writestr(f"{one}.txt", b"")
    return made.getvalue()


def layers(number: int) -> bytes:
    """PKCS #7 within PKCS #7."""
    content = b"x"
    for _ in range(number):
        content = pkcs7(der(4, content))
    return content


def signatures(number: int, domain: bytes, octets: int = 256) -> bytes:
    """DKIM signatures of as many selectors, each of so many octets."""
    field = b"DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=%s; s=s%d; h=From; bh=%s; b=%s\r\n"
    digest = base64.b64encode(bytes(32))
    return b"".join(field % (domain, one, digest, base64.b64encode(bytes(octets))) for one in range(number))


def messages() -> Mapping[str, bytes]:
    """The rest of a message after its first header fields, by what it is. The guard lets all of them pass."""
    ed25519 = b"DKIM-Signature: v=1; a=ed25519-sha256; d=lointain.test; s=x; h=From; bh=%s; b=%s\r\n"
    parameters = (
        b"Content-Type: text/plain" + b"".join(b";\r\n a*%d*=%%41" % one for one in range(7000)) + b"\r\n\r\nx\r\n"
    )
    user, label = b"u" * 16_384, b"a" * 300 + b".attaque.test"
    rar = base64.b64encode(b"Rar!\x1a\7\1\0" + b"\xff" * 64)
    return {
        "levels, as many as pass (562c7bee0)": chain(LEVEL, 250),
        "levels times octets": chain(LEVEL, 60) + b"\r\n" + (b"y" * 76 + b"\r\n") * 130_000,
        "levels times boundaries": chain(LEVEL, 50) + MIXED + b"--zz\r\n\r\nx\r\n" * 1000,
        "boundaries, as many as pass (285d201df)": MIXED + b"--zz\r\nContent-Type: text/plain\r\n\r\nx\r\n" * 9900,
        "alternatives (285d201df)": MIXED.replace(b"mixed", b"alternative") + b"--zz\r\n" + HTML + b"<p>x\r\n" * 900,
        "header fields, as many as pass": b"X-An: b\r\n" * 9900 + b"\r\nx\r\n",
        "hidden levels, as many as pass": part(P7 + BASE64, lines(base64.b64encode(pkcs7(der(4, chain(LEVEL, 3400)))))),
        "pictures by Content-ID (d5c48178e)": pictures(900),
        "addresses of pages": HTML + b"".join(b'<a href="http://h%d.test/">x</a>\r\n' % one for one in range(9000)),
        "addresses in addresses (f068a1156)": HTML + b'<a href="' + b"http://a.test/?u=" * 4000 + b'">x</a>\r\n',
        "a user of 16 kB (193dd277e)": HTML + b"http://" + user + b"@a.test/ mailto:" + user + b"@a.test\r\n",
        "parameters by RFC 2231 (4ecae17a7)": parameters,
        "elements within elements (86e1b7787)": HTML + b"<div>" * 8190 + b"x\r\n",
        "comments in style (9e538d3d5)": HTML + b"<style>" + b"/**/a{}" * 75_000 + b"</style><p>x\r\n",
        "S/MIME of 400 layers (f6536945f)": part(P7 + BASE64, lines(base64.b64encode(layers(400)))),
        "S/MIME of nothing (cb9361e9f)": part(P7 + BASE64, lines(base64.b64encode(pkcs7(b"")))),
        "S/MIME cut off": part(P7 + QUOTED, b"".join(b"=%02X" % one for one in layers(3)[:60])),
        "ZIP of 12,000 names (ea4e060c5)": part(ZIP, lines(base64.b64encode(archive(12_000)))),
        "ZIP whose end is all ones (b8493d963)": part(ZIP, lines(base64.b64encode(b"PK\5\6" + b"\xff" * 18))),
        "RAR5 of ones (b8493d963)": part(ZIP.replace(b"zip", b"rar"), lines(rar)),
        "an entity at the end (04fc040b5)": HTML + b"<p>&nGt",
        "a digest of 4,000 octets (e27c9fb66)": ed25519 % (b"A" * 4000, b"A" * 88) + b"\r\nx\r\n",
        "a header that ends by CR CR (31b1d9955)": b"X-An: b\r\r",
        "700 signatures (d560f9e8e)": signatures(700, b"signe.attaque.test", 64) + b"\r\nx\r\n",
        "labels of 300 octets (c2fd2e002)": signatures(1, label) + HTML + b"http://" + label + b"/\r\n",
    }  # fmt: skip
