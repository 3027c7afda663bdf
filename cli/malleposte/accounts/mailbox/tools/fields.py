"""The parts of a message that a tool may be told: title, sender, first lines. Each is text of one meaning, cleaned."""

from __future__ import annotations

import email
import email.utils
import re
from collections.abc import Iterator
from email.header import decode_header, make_header
from email.message import Message

from malleposte.accounts.mailbox.later import letter

UNTITLED, UNKNOWN = "(sans objet)", "(expéditeur illisible)"
LINES, LONGEST = 5, 500
"""First lines that are told, and their characters."""
READ = 200_000
"""Bytes of a message in which they are looked for."""
PARTS = 50


def title(fields: list[tuple[bytes, bytes]]) -> str:
    """The subject, on one line."""
    return " ".join(letter.subject(fields).split()) or UNTITLED


def sender(fields: list[tuple[bytes, bytes]]) -> str:
    """The address of the author, with the name before it, as it is written."""
    values = list(letter.values(fields, b"from"))
    try:
        read = email.utils.getaddresses(values[:1], strict=True)
    except RecursionError:
        read = []
    if len(values) != 1 or len(read) != 1 or "@" not in read[0][1]:
        return UNKNOWN
    try:
        name = str(make_header(decode_header(read[0][0][:200])))
    except (ValueError, LookupError):
        name = ""
    return one_line(f"{name} <{read[0][1]}>" if name else read[0][1], 150)


def first_lines(raw: bytes) -> str:
    """The first lines of the text of a message; empty where it has none that is plain text."""
    try:
        for part in _parts(email.message_from_bytes(raw[:READ])):
            if part.get_content_type() == "text/plain" and part.get_content_disposition() != "attachment":
                return _begin(_text(part))
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError):
        return ""
    return ""


def _parts(message: Message) -> Iterator[Message]:
    for number, part in enumerate(message.walk()):
        if number == PARTS:
            return
        yield part


def _text(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    charset = part.get_content_charset("utf-8")
    try:
        return content.decode(charset, "replace")
    except LookupError:
        return content.decode("utf-8", "replace")


def _begin(text: str) -> str:
    lines = [line for one in text[:20_000].splitlines() if (line := one_line(one, LONGEST))]
    text = "\n".join(line for line in lines[:50] if not line.startswith(">"))
    return "\n".join(text.split("\n")[:LINES])[:LONGEST].strip()


def one_line(text: str, most: int) -> str:
    """One line of characters that show: neither controls nor those that turn the direction of writing."""
    shown = "".join(one if one.isprintable() else " " for one in text)
    return re.sub(r" {2,}", " ", shown).strip()[:most]
