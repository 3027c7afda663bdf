"""Count what costs a spam filter's parser of MIME more than it costs the sender, in one pass over raw octets.

The counts are never below the parser's: lines end as the most lenient reader ends them, each line of two dashes may be
a boundary, and each `Content-Type` with the word `message` may hold a message. Every search goes forward only, so that
what is twice as long takes twice as long.

Measured with rspamd 3.12.1 (docs/adr/0050-before-the-filter.md), which reads what follows a message within a message
again for each of them, and makes a part of each boundary there each time.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass

BOUNDARY_OCTETS = 28_000
"""A boundary costs the filter as much time as reading so many octets."""
LONGEST = 8192
"""Octets of a line, or of an empty space, that are kept until its end comes."""
WORD = 32
"""Octets of a longer line that are looked at again with its next ones: no word that is searched for is longer."""
TYPE, MESSAGE, SIGNED = b"content-type", b"message", b"pkcs7-mime"
HIDING = (b"quoted-printable", b"uue")
"""Encodings of a message within a message that the filter undoes, against RFC 2046, 5.2.1."""
_DASHES = re.compile(rb"[\r\n]--")
_BLANK = re.compile(rb"\n\r?\n")
_END_OF_FIELD = re.compile(rb"\n(?![ \t\v\f])")
_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702a0")
"""The object identifier `signed-data` (RFC 5652, 5.1) and the tag of what follows it."""


def _forms(octets: bytes) -> Iterator[bytes]:
    """The octets in base64, wherever in it they begin: the digits that no neighbour changes."""
    for before in range(3):
        digits = base64.b64encode(bytes(before) + octets + bytes(2))
        yield digits[-(-before * 8 // 6) : (before + len(octets)) * 8 // 6]


_SIGNED_FORMS = tuple(_forms(_SIGNED_DATA))


@dataclass(frozen=True)
class Bounds:
    """The most that a message may have.

    `levels`: messages within the message. `work`: their number, times the octets of the message and BOUNDARY_OCTETS for
    each boundary. `boundaries`: lines that begin with two dashes. `fields`: header fields, its own and its parts'.
    `hidden`: octets that follow a message which is encoded, or signed together with its content (S/MIME), so that what
    it holds is not seen here.
    """

    levels: int = 250
    work: int = 1_500_000_000
    boundaries: int = 10_000
    fields: int = 10_000
    hidden: int = 150_000


class Excess(Exception):
    """A message has too much of something. The argument says of what, in one line."""


class Scanner:
    """One message: its header goes to `field`, then `end_of_header`, its body to `body` in pieces. All raise Excess."""

    def __init__(self, bounds: Bounds) -> None:
        """Nothing is read yet."""
        self.bounds = bounds
        self.octets = self.levels = self.boundaries = self.fields = self.hidden = 0
        # The body has parts; a header is being read; the octets that wait for the end of their line.
        self._parts, self._in_header, self._rest = False, True, b"\n"
        # A Content-Type goes on in the next piece.
        self._open = False
        # Of the present header: it announces a message; an encoding that hides it; a signed content, in base64.
        self._message = self._encoded = self._signed = self._base64 = False
        # The present header has more than line ends.
        self._begun = False
        self._hiding = False
        self._digits: bytes | None = None

    def field(self, name: bytes, value: bytes) -> None:
        """A field of the message's own header."""
        text = (name + b":" + value).translate(None, b"\0").lower()
        self.octets += len(text) + 2
        # A bare CR ends a line for the filter.
        self.fields += 1 + min(value.count(b"\r"), value.count(b":"))
        self._open = False
        self._parts = self._parts or b"multipart" in text
        self._announced(text)
        self.judge()

    def end_of_header(self) -> None:
        """The body follows. Raises Excess."""
        self._parts = self._parts or self._message or self._signed
        self._end_header()
        self.judge()

    def body(self, piece: bytes) -> None:
        """The next octets of the body."""
        self.octets += len(piece)
        if not self._parts:
            return
        data = self._rest + (piece.translate(None, b"\0") if b"\0" in piece else piece)
        # Up to the end of the last line. The line ends that follow it belong to what comes.
        last = max(data.rfind(b"\n"), data.rfind(b"\r"))
        cut = len(data[: last + 1].rstrip(b"\r\n"))
        if len(data) - cut > LONGEST:
            cut, self._rest = len(data), data[-WORD:]
        else:
            self._rest = data[cut:]
        if self._hiding:
            self.hidden += cut
        # Neither of the words and no line of dashes is without a dash: base64 is not looked at any further.
        if b"-" not in data and not self._in_header and not self._open and self._digits is None:
            self.judge()
            return
        text = data[:cut].lower()
        dashes = text.count(b"\n--") + text.count(b"\r--")
        self.boundaries += dashes
        self.judge()
        self._walk(text, dashes)
        self.judge()
        if self._digits is not None and not self._hiding:
            self._seek_signed(data[:cut])

    def end(self) -> None:
        """No more octets come."""
        if self._parts and self._rest:
            self._rest, text = b"", self._rest.lower()
            self.boundaries += len(_DASHES.findall(text))
            self._walk(text, 1)
            self.judge()

    def _walk(self, text: bytes, dashes: int) -> None:
        """Go from header to header. One begins after a line of dashes, and after a header that announces a message."""
        at = 0
        while at < len(text):
            if self._in_header:
                if not self._begun:
                    # Blank lines before a header, but for the last line end.
                    at = max(at, len(text) - len(text[at:].lstrip(b"\r\n")) - 1)
                blank = _BLANK.search(text, at)
                self._header(text[at : blank.start() if blank else len(text)])
                # The line end that ends the header may begin a line of dashes.
                at = blank.end() - 1 if blank else len(text)
                if blank:
                    self._end_header()
            else:
                dashed = _DASHES.search(text, at) if dashes else None
                self._look(text[at : dashed.start() if dashed else len(text)])
                at = dashed.end() if dashed else len(text)
                if dashed:
                    self._in_header, self._begun, self._open = True, True, False

    def _header(self, text: bytes) -> None:
        """Octets of a header."""
        self._begun = self._begun or bool(text.strip(b"\r\n"))
        self.fields += min(text.count(b":"), max(text.count(b"\n"), text.count(b"\r")) + 1)
        self._announced(text)

    def _announced(self, text: bytes) -> None:
        """Note what octets of a header say of the content."""
        self._look(text)
        self._encoded = self._encoded or any(word in text for word in HIDING)
        self._signed = self._signed or SIGNED in text
        self._base64 = self._base64 or b"base64" in text

    def _end_header(self) -> None:
        """The header ends. That of a message which it announces follows."""
        self._hiding = self._hiding or (self._message and self._encoded) or (self._signed and not self._base64)
        if self._signed and self._digits is None:
            self._digits = b""
        self._in_header = self._message
        self._message = self._encoded = self._signed = self._base64 = self._open = self._begun = False

    def _look(self, text: bytes) -> None:
        """Count the fields that announce a message."""
        at = 0 if self._open else text.find(TYPE)
        while at >= 0:
            end = _END_OF_FIELD.search(text, at)
            stop = end.start() if end else len(text)
            self._open = end is None
            # A bare CR ends a field for some, and no field for others.
            values = text[at:stop].replace(b"message-", b"").split(TYPE)
            messages = sum(MESSAGE in value for value in values)
            if messages:
                self.levels += messages
                self._message, self._open = True, False
            at = text.find(TYPE, stop)

    def _seek_signed(self, text: bytes) -> None:
        """Find in base64 that a content is signed together with the signature. One that is encrypted is not."""
        digits = (self._digits or b"") + text.translate(None, _NOT_BASE64)
        self._digits = digits[-len(_SIGNED_DATA) * 2 :]
        self._hiding = any(form in digits for form in _SIGNED_FORMS)

    def judge(self) -> None:
        """Raises Excess."""
        most = self.bounds
        work = self.levels * (self.octets + BOUNDARY_OCTETS * self.boundaries)
        for what, number, limit in (
            ("messages in the message", self.levels, most.levels),
            ("lines that begin with two dashes", self.boundaries, most.boundaries),
            ("header fields", self.fields, most.fields),
            ("octets after a message that is encoded or signed in one block", self.hidden, most.hidden),
        ):
            if number > limit:
                raise Excess(f"more than {limit} {what}")
        if work > most.work:
            content = f"{self.octets} octets with {self.boundaries} lines of two dashes"
            raise Excess(f"{self.levels} messages in a message of {content}")
