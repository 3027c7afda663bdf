"""The forms that the daemon of the circulars, hosts and accountd share."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import Annotated

import msgspec

MOST_PARTS = 60
"""Parts of a message that are read."""
MOST_FOUND = 40
"""Circulars in an answer."""
MOST_LISTS = 300
"""Lists of a question, and lists that may have an archive."""
MOST_WORDS = 12
CHUNK = 256 * 1024
"""Bytes of an attachment in an answer."""
PDF, OTHER = "application/pdf", "application/octet-stream"
TYPES = {
    "csv": "text/csv",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "pdf": PDF,
    "png": "image/png",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "txt": "text/plain",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""The type under which a file is handed out, by the end of its name. The sender's own word for it does not count."""
LIST_FORM = r"^[a-z0-9][a-z0-9._-]{0,54}\Z"
IDENT_FORM = r"^[0-9]{14}-[0-9a-f]{8}\Z"
"""That of the lists' spool: a message has the same in both, so that it is archived once."""
ListName = Annotated[str, msgspec.Meta(pattern=LIST_FORM)]
Ident = Annotated[str, msgspec.Meta(pattern=IDENT_FORM)]
Lists = Annotated[tuple[ListName, ...], msgspec.Meta(max_length=MOST_LISTS)]
Words = Annotated[str, msgspec.Meta(max_length=300)]
Number = Annotated[int, msgspec.Meta(ge=0, le=MOST_PARTS)]
Moment = Annotated[int, msgspec.Meta(ge=0, lt=2**40)]
_TOKEN = re.compile(r"\w{1,40}")
_TOGETHER = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE"})


class Counting(StrEnum):
    """The notes about readers that the academy has kept."""

    NOTHING = "no"
    COUNT = "count"
    """Readers and their times; senders see the number."""
    NAMES = "names"
    """The same; senders see the names."""


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A form on the wire."""


class Part(Form, frozen=True):
    """An attachment: its number in the message, a safe name, the type under which it is handed out, bytes."""

    number: int
    name: str
    kind: str
    size: int


class Filing(Form, frozen=True):
    """A message that a list sent, whose `size` bytes follow. `sender` is the uid or address that wrote it."""

    ident: Ident
    list: ListName
    sender: str
    arrived: Moment
    size: Annotated[int, msgspec.Meta(ge=1, le=100 << 20)]


class Filed(Form, frozen=True):
    """The outcome. `full`: the list's archive has no room; `first`: that is new. `error`: nothing is done."""

    full: bool = False
    first: bool = False
    error: str = ""


class Query(Form, frozen=True):
    """Circulars of some lists with all of these words, from a moment until another (seconds since 1970; 0: any)."""

    lists: Lists
    words: Words = ""
    since: Moment = 0
    until: Moment = 0


class Circular(Form, frozen=True):
    """A message of an archive. `sender` is its From, `author` who posted it; `text` and `parts` where one is shown."""

    ident: str
    list: str
    time: int
    subject: str
    sender: str
    author: str = ""
    text: str = ""
    parts: tuple[Part, ...] = ()
    broken: bool = False


class Answer(Form, frozen=True):
    """Circulars, the newest first; `more`: and others. `oldest`: the time of the first of these lists, 0 for none.

    `full` names lists whose archive has no room, `counting` what is kept of who reads.
    """

    circulars: tuple[Circular, ...] = ()
    more: bool = False
    oldest: int = 0
    full: tuple[str, ...] = ()
    counting: Counting = Counting.NOTHING


class Shown(Form, frozen=True):
    """A circular whole, and what is kept of who reads."""

    circular: Circular
    counting: Counting = Counting.NOTHING


class Chunk(Form, frozen=True):
    """Some bytes of an attachment or, under the number 0, of the text; `size` is that of the whole."""

    name: str
    kind: str
    size: int
    content: bytes


class Reader(Form, frozen=True):
    """An agent who opened a circular, and when first (seconds since 1970)."""

    uid: str
    time: int


class Readers(Form, frozen=True):
    """The number of agents who opened a circular, and they themselves where their names are shown."""

    count: int
    readers: tuple[Reader, ...] = ()


class Reading(Form, frozen=True):
    """A circular that an agent opened, for the agent's own data."""

    list: str
    subject: str
    time: int


def folded(text: str) -> str:
    """Return a text in the one form in which words are indexed and looked for."""
    return unicodedata.normalize("NFC", text.translate(_TOGETHER))


def match(words: str) -> str:
    """Return words as a query of the index: all of them, each the beginning of one. No sign of its syntax is left."""
    return " ".join(f'"{word}"*' for word in _TOKEN.findall(folded(words).replace("_", " "))[:MOST_WORDS])
