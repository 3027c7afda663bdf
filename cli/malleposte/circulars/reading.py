"""Read a message of a list: subject, author, text, attachments. Strangers may have written every byte of it."""

from __future__ import annotations

import email
import email.message
import email.policy
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from email.header import decode_header, make_header

from malleposte.circulars.html import to_text
from malleposte.circulars.model import MOST_PARTS, OTHER, PDF, TYPES, Part

LONGEST_TEXT = 200_000
"""Characters of a text that are shown and indexed."""
LONGEST_HTML = 2_000_000
"""Characters of a page of HTML that are read."""
LONGEST_NAME = 120
_SPACES = re.compile(r"[ \t\xa0]+")
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co"))
"""Categories of Unicode: controls, signs of format, halves of characters, private ones."""
_NOT_IN_NAMES = frozenset('/\\:*?"<>|%;')
_FAILURES = (ValueError, LookupError, TypeError, AttributeError, RecursionError, AssertionError)
"""Errors of the standard library on messages that are none."""


@dataclass(frozen=True)
class Letter:
    """The parts of a message that are shown. `broken`: its attachments could not be read."""

    subject: str
    sender: str
    message_id: str
    text: str = ""
    parts: tuple[Part, ...] = ()
    broken: bool = False


def read(raw: bytes) -> Letter:
    """Return what a message holds. One that cannot be taken apart has its head alone."""
    try:
        message = email.message_from_bytes(raw, policy=email.policy.compat32)
    except _FAILURES:
        return Letter("", "", "", broken=True)
    head = Letter(_line(message, "Subject"), _line(message, "From"), _line(message, "Message-ID").strip("<>"))
    try:
        leaves = list(_leaves(message))
        body = _body(leaves)
        files = [(number, leaf) for number, leaf in enumerate(leaves, 1) if leaf is not body and not _same(leaf)]
        parts = [_part(number, leaf) for number, leaf in files]
        text = _text(body) if body is not None else ""
    except _FAILURES:
        return Letter(head.subject, head.sender, head.message_id, broken=True)
    return Letter(head.subject, head.sender, head.message_id, text, tuple(parts))


def content(raw: bytes, number: int) -> bytes | None:
    """Return the bytes of an attachment, by its number; None where there is none."""
    try:
        leaves = list(_leaves(email.message_from_bytes(raw, policy=email.policy.compat32)))
        if not 1 <= number <= len(leaves) or leaves[number - 1] is _body(leaves):
            return None
        return _bytes(leaves[number - 1])
    except _FAILURES:
        return None


def plain(text: str) -> str:
    """Return a text with its lines, without signs that no eye sees or that turn the direction of writing."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    seen = "".join(
        sign for sign in text if sign in "\n\t" or unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Co")
    )
    lines: list[str] = []
    for line in (_SPACES.sub(" ", one).strip() for one in seen.split("\n")):
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines).strip()


def file_name(text: str, number: int) -> str:
    """Return a name for a file: one line, no folder, nothing that a system or a header reads otherwise."""
    name = unicodedata.normalize("NFC", plain(text).replace("\n", " "))
    name = "".join("-" if sign in _NOT_IN_NAMES else sign for sign in name).strip(" .-")
    if not name:
        return f"piece-{number}"
    if len(name) > LONGEST_NAME:
        stem, dot, kind = name.rpartition(".")
        short = bool(dot) and len(kind) <= 8
        name = f"{stem[: LONGEST_NAME - 9]}.{kind}" if short else name[:LONGEST_NAME]
    return name


def _leaves(message: email.message.Message) -> Iterator[email.message.Message]:
    count = 0
    for part in message.walk():
        if not part.is_multipart():
            count += 1
            if count > MOST_PARTS:
                return
            yield part


def _body(leaves: list[email.message.Message]) -> email.message.Message | None:
    """Return the text that is shown: the first that is plain, else the first page."""
    texts = [leaf for leaf in leaves if leaf.get_content_disposition() != "attachment" and not leaf.get_filename()]
    for kind in ("text/plain", "text/html"):
        for leaf in texts:
            if leaf.get_content_type() == kind:
                return leaf
    return None


def _same(leaf: email.message.Message) -> bool:
    """Whether a part is a page without a name, which says the same as the text that is shown."""
    named = leaf.get_filename() or leaf.get_content_disposition() == "attachment"
    return leaf.get_content_type() == "text/html" and not named


def _text(leaf: email.message.Message) -> str:
    try:
        words = _bytes(leaf).decode(str(leaf.get_content_charset("utf-8")), "replace")
    except (LookupError, ValueError):
        words = _bytes(leaf).decode("utf-8", "replace")
    words = words[:LONGEST_HTML]
    return plain(to_text(words) if leaf.get_content_type() == "text/html" else words)[:LONGEST_TEXT]


def _part(number: int, leaf: email.message.Message) -> Part:
    name = file_name(_decoded(str(leaf.get_filename() or "")), number)
    ending = name.rpartition(".")[2].lower()
    kind = TYPES.get(ending, OTHER)
    body = _bytes(leaf)
    # Its first bytes say whether it is a PDF: what is read as one is what a reader opens as one.
    if kind == PDF and not body.startswith(b"%PDF-"):
        kind = OTHER
    return Part(number, name, kind, len(body))


def _bytes(leaf: email.message.Message) -> bytes:
    body = leaf.get_payload(decode=True)
    return body if isinstance(body, bytes) else b""


def _line(message: email.message.Message, name: str) -> str:
    return " ".join(plain(_decoded(str(message.get(name, "")))).split())[:300]


def _decoded(value: str) -> str:
    try:
        return str(make_header(decode_header(value)))
    except _FAILURES:
        return value
