"""The documents of a message, unpacked within bounds.

A part is known by its first octets alone: names and declared types are the sender's words. A part is XML, JSON, or one
file of either in gzip (RFC 1952) or zip.
"""

from __future__ import annotations

import email
import email.message
import email.policy
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

from malleposte.reports.model import UNPACKED, RefusedError

LARGEST = 10 * 1024 * 1024
"""Bytes of a message."""
LINES = 300_000
"""Ends of lines of a message (a CRLF is two): each may be a field of a header for the parser of mail."""
PARTS = 200
"""Lines of a message that may be a boundary."""
DOCUMENTS = 5
XML, JSON, GZIP, ZIP = "xml", "json", "gzip", "zip"
_BLANK = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"
_END = b"PK\x05\x06"
_END_SIZE, _COMMENT = 22, 65_535
_LOCATOR_64, _LOCATOR_64_SIZE = b"PK\x06\x07", 20
_DIRECTORY = 4096
"""Bytes of the directory of a zip of one file."""
_ENCRYPTED = 1
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, RuntimeError, LookupError, OSError,
)  # fmt: skip


def kind(content: bytes) -> str:
    """Return what some content is by its first octets; empty for what is no report."""
    if content.startswith(b"\x1f\x8b"):
        return GZIP
    if content.startswith(b"PK\x03\x04"):
        return ZIP
    text = content[:1024].removeprefix(_BOM).lstrip(_BLANK)
    if text.startswith((b"<?xml", b"<feedback", b"\xff\xfe<", b"\xfe\xff\x00<")):
        return XML
    return JSON if text.startswith(b"{") else ""


def documents(message: bytes) -> Iterator[tuple[str, bytes]]:
    """Return the documents of a message, each `XML` or `JSON`. Raises RefusedError: at once, or when one is taken."""
    if len(message) > LARGEST:
        raise RefusedError(f"the message has more than {LARGEST // 1024**2} MB")
    if message.count(b"\n") + message.count(b"\r") > LINES or message.count(b"\n--") + message.count(b"\r--") > PARTS:
        raise RefusedError("the message has too many lines or parts")
    parts = [part for part in _parts(message) if kind(part)]
    if len(parts) > DOCUMENTS:
        raise RefusedError(f"the message has more than {DOCUMENTS} files")
    return _unpacked(parts)


def _parts(message: bytes) -> list[bytes]:
    try:
        parsed = email.message_from_bytes(message, policy=email.policy.compat32)
        leaves = [part for part in parsed.walk() if not part.is_multipart()]
        return [content for part in leaves if isinstance(content := part.get_payload(decode=True), bytes)]
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise RefusedError(f"the message is no mail ({type(error).__name__})") from error


def _unpacked(parts: list[bytes]) -> Iterator[tuple[str, bytes]]:
    left = UNPACKED
    for part in parts:
        content = unpack(part, left)
        left -= len(content)
        yield kind(content), content


def unpack(content: bytes, most: int = UNPACKED) -> bytes:
    """Return the XML or JSON that some content is or holds, `most` bytes at most. Raises RefusedError."""
    unpackers = {GZIP: _gunzip, ZIP: _unzip}
    packed = kind(content)
    if packed in unpackers:
        content = unpackers[packed](content, most)
        if kind(content) not in (XML, JSON):
            raise RefusedError(f"the {packed} holds no report")
    if len(content) > most:
        raise _too_large()
    return content


def _too_large() -> RefusedError:
    return RefusedError(f"it is larger than {UNPACKED // 1024**2} MB when it is unpacked")


def _gunzip(content: bytes, most: int) -> bytes:
    stream = zlib.decompressobj(wbits=31)
    try:
        plain = stream.decompress(content, most + 1)
    except zlib.error as error:
        raise RefusedError(f"the gzip cannot be unpacked ({error})") from error
    if len(plain) > most:
        raise _too_large()
    if not stream.eof:
        raise RefusedError("the gzip ends too early")
    if stream.unused_data.strip(b"\0"):
        raise RefusedError("the gzip holds more than one file")
    return plain


def _unzip(content: bytes, most: int) -> bytes:
    _one_entry(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if len(entries) != 1:
                raise RefusedError("the zip holds more than one file")
            entry = entries[0]
            if entry.flag_bits & _ENCRYPTED or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise RefusedError("the zip is encrypted, or packed in another way than by deflate")
            if entry.file_size > most:
                raise _too_large()
            with archive.open(entry) as file:
                plain = file.read(most + 1)
    except _DAMAGED as error:
        raise RefusedError(f"the zip cannot be unpacked ({error})") from error
    if len(plain) > most:
        raise _too_large()
    return plain


def _one_entry(content: bytes) -> None:
    """Refuse a zip whose directory names more than one file, before a library reads the directory."""
    place = content.rfind(_END, max(0, len(content) - _END_SIZE - _COMMENT))
    if place < 0 or place + _END_SIZE > len(content):
        raise RefusedError("the zip has no end")
    if content[max(0, place - _LOCATOR_64_SIZE) : place].startswith(_LOCATOR_64):
        raise RefusedError("the zip is of the 64-bit form")
    _here, entries, size = struct.unpack_from("<HHL", content, place + 8)
    if entries != 1:
        raise RefusedError(f"the zip holds {entries} files")
    if size > _DIRECTORY:
        raise RefusedError("the directory of the zip is too large")
