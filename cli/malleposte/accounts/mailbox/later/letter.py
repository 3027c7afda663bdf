"""A message of « À envoyer » as it leaves: sender, recipients, and the text without what is its owner's alone."""

from __future__ import annotations

import contextlib
import email.utils
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.header import decode_header, make_header

from malleposte.accounts.mailbox.later.model import MOST_RECIPIENTS, Reason
from malleposte.accounts.mailbox.later.moments import FIELD
from malleposte.core.errors import MallepostError

_ADDRESS = re.compile(r"[^\s<>\"',;:()\\@]{1,64}@[A-Za-z0-9.-]{1,255}")
_IDENT = re.compile(r"<[!-;=?-~]{1,240}>")
LONGEST = 200_000
"""Bytes of a header."""
FOREIGN = (b"received", b"return-path", b"delivered-to", b"x-malleposte-author")
"""Fields that mail has that came from elsewhere, and no draft."""
OWN = (b"bcc", FIELD, b"fcc", b"x-identity-key", b"x-account-key")
"""Fields that do not leave; so do those of a mail program's drafts (`DRAFT`)."""
DRAFT = (b"x-mozilla-",)


class WaitsError(MallepostError):
    """A message that does not go as it is. The reason is a word for the page."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason, self.detail = reason, detail


@dataclass(frozen=True)
class Letter:
    """The parts that are handed to the mail server."""

    sender: str
    recipients: Sequence[str]
    text: bytes


def digest(raw: bytes) -> str:
    """The digest of a message, whatever its lines end in."""
    return hashlib.sha256(raw.replace(b"\r\n", b"\n")).hexdigest()


def split(raw: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The fields of a message, each with its name in small letters, and the rest. Lines end in LF.

    Raises WaitsError.
    """
    head, _empty, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    if len(head) > LONGEST:
        raise WaitsError(Reason.CROWD, f"more than {LONGEST} bytes of header")
    fields: list[tuple[bytes, bytes]] = []
    for line in head.split(b"\n"):
        name, colon, _value = line.partition(b":")
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1] = (fields[-1][0], fields[-1][1] + b"\n" + line)
        elif colon and re.fullmatch(rb"[!-9;-~]+[ \t]*", name):
            fields.append((name.strip().lower(), line))
        elif line:
            raise WaitsError(Reason.BROKEN, "a line of the header is none")
    return fields, body


def values(fields: Sequence[tuple[bytes, bytes]], name: bytes) -> Iterator[str]:
    """The values of a field, unfolded."""
    for one, line in fields:
        if one == name:
            text = line.partition(b":")[2].replace(b"\n", b"").decode("utf-8", "replace")
            yield " ".join(text.split()) if name != b"subject" else text.strip()


def ident(fields: Sequence[tuple[bytes, bytes]]) -> str:
    """The Message-ID; empty where there is none that can be looked for."""
    idents = list(values(fields, b"message-id"))
    return idents[0] if len(idents) == 1 and _IDENT.fullmatch(idents[0]) else ""


def subject(fields: Sequence[tuple[bytes, bytes]]) -> str:
    """The subject as a person reads it."""
    text = next(values(fields, b"subject"), "")[:1000]
    with contextlib.suppress(ValueError, LookupError):
        text = str(make_header(decode_header(text)))
    return "".join(one if one.isprintable() else " " for one in text)[:150]


def prepared(raw: bytes, message_id: str, date: float) -> Letter:
    """The message as it leaves, under that Message-ID and date (seconds since 1970). Raises WaitsError."""
    fields, body = split(raw)
    names = {name for name, _line in fields}
    if names & {*FOREIGN} or any(name.startswith(b"resent-") for name in names):
        raise WaitsError(Reason.RECEIVED)
    authors = _addresses(values(fields, b"from"))
    if len(authors) != 1 or sum(name == b"from" for name, _line in fields) != 1:
        raise WaitsError(Reason.AUTHOR)
    recipients = dict.fromkeys(one for name in (b"to", b"cc", b"bcc") for one in _addresses(values(fields, name)))
    if not recipients:
        raise WaitsError(Reason.RECIPIENTS)
    if len(recipients) > MOST_RECIPIENTS:
        raise WaitsError(Reason.CROWD, f"{len(recipients)}")
    stays = [
        line
        for name, line in fields
        if name not in (*OWN, b"date", b"message-id") and not name.startswith(DRAFT)
    ]  # fmt: skip
    if b"to" not in names and b"cc" not in names:
        stays.append(b"To: undisclosed-recipients:;")
    own = [f"Date: {email.utils.formatdate(date, localtime=True)}", f"Message-ID: {message_id}"]
    lines = [*(one.encode() for one in own), *stays, b"", body]
    return Letter(authors[0], tuple(recipients), b"\n".join(lines).replace(b"\n", b"\r\n"))


def _addresses(texts: Iterator[str]) -> list[str]:
    """The addresses of fields; all of them can be read. Raises WaitsError."""
    addresses = []
    for text in texts:
        if not text:
            continue
        # An address alone in a group without members is nobody's: « undisclosed-recipients:; ».
        if re.fullmatch(r"[A-Za-z -]{1,60}:\s*;", text):
            continue
        try:
            read = [address for _name, address in email.utils.getaddresses([text], strict=True)]
        except RecursionError:  # groups within groups
            read = [""]
        if not all(map(_ADDRESS.fullmatch, read)):
            raise WaitsError(Reason.RECIPIENTS, text[:100])
        addresses += read
    return addresses
