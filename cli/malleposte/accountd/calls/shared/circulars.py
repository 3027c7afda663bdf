"""« Circulaires »: an agent searches the archives of the lists that reach the agent.

Who reads is judged at each call, from the directory as it is then: those whom the list reaches (an agent, or a box that
the agent opens), its managers, moderators and posters by name. For all others a circular is one that is not there.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

import msgspec
from msgspec import structs

from malleposte.accountd.call import call
from malleposte.accountd.context import Context, NotFoundError, Tools, reached
from malleposte.accountd.message import Count, Done, Message, Owned, Text, WithBytes, fitting
from malleposte.circulars.ask import Which
from malleposte.circulars.model import MOST_LISTS, Circular, Counting, Moment, Part, Query, Shown
from malleposte.core.errors import MallepostError
from malleposte.directory.model import first
from malleposte.directory.protocol import Directory
from malleposte.directory.query import AnyOf, Equal
from malleposte.lists.members import is_member
from malleposte.lists.model import ANYONE, ASKED, MEMBERS, STAFF, MailingList, to_list
from malleposte.lists.rights import Poster, may_post
from malleposte.throttle import costs

HOSTS = "a host of mail"
MOST_BOXES = 20
"""Boxes that an agent opens and that count for what the agent reads."""
ROOM_OF_LISTS, ROOM_OF_ROWS = 4_000, 8_000
ROOM_OF_TEXT, ROOM_OF_PARTS, ROOM_OF_NAMES = 6_000, 4_500, 2_500
"""Bytes in an answer, whose line has a longest."""
NO_SUCH = "no such circular"


class ArchivedList(Message, frozen=True):
    """A list whose archive an agent reads. `full`: its archive has no room."""

    name: str
    title: str
    full: bool = False


class CircularRow(Message, frozen=True):
    """A circular as it is listed; `files` counts its attachments."""

    list: str
    ident: str
    time: int
    subject: str
    sender: str
    files: int = 0


class Circulars(Done, frozen=True):
    """Circulars, the newest first (`more`: and others), of `lists`. `oldest`: the time of the first, 0 for none.

    `counting`: what is kept of who reads (`circulars.model.Counting`). `away`: a host gave no answer.
    """

    circulars: tuple[CircularRow, ...] = ()
    lists: tuple[ArchivedList, ...] = ()
    more: bool = False
    oldest: int = 0
    counting: str = Counting.NOTHING.value
    away: bool = False


class FindCirculars(Owned[Circulars], frozen=True):
    """Find circulars with all of some words, those of their PDFs too; of one list, between two moments (0: any)."""

    list: Text = ""
    words: Text = ""
    since: Moment = 0
    until: Moment = 0


class CircularReader(Message, frozen=True):
    """An agent who opened a circular, and when first."""

    name: str
    time: int


class CircularPage(Done, frozen=True):
    """A circular. `cut`: the text is longer, and part 0 has all of it. `more_files`: and other attachments.

    For its senders `readers` is how many opened it, `names` who did where the academy shows that; -1 for others.
    """

    list: str = ""
    title: str = ""
    ident: str = ""
    time: int = 0
    subject: str = ""
    sender: str = ""
    text: str = ""
    cut: bool = False
    broken: bool = False
    parts: tuple[Part, ...] = ()
    more_files: bool = False
    counting: str = Counting.NOTHING.value
    readers: int = -1
    names: tuple[CircularReader, ...] = ()


class ShowCircular(Owned[CircularPage], frozen=True):
    """Open a circular. Where the academy counts who reads, that is noted."""

    list: Text
    ident: Text


class CircularPart(WithBytes, frozen=True):
    """An attachment, or the whole text (`number` 0), whose bytes follow; its safe name and type."""

    list: str = ""
    ident: str = ""
    number: int = 0
    name: str = ""
    kind: str = ""


class FetchCircularPart(Owned[CircularPart], frozen=True):
    """The attachment itself."""

    list: Text
    ident: Text
    number: Count = 0


@call(cost=costs.LOOK, slow=True)
def find_circulars(context: Context, request: FindCirculars) -> Circulars:
    """Look through the archives that the agent reads."""
    uid = context.owner(request.uid).uid
    lists = sorted(_readable(context.directory, uid), key=lambda one: one.title)[:MOST_LISTS]
    names = tuple(one.name for one in lists if request.list in ("", one.name))
    if request.list and not names:
        raise NotFoundError(NO_SUCH)
    query = Query(names, request.words[:300], request.since, request.until)
    with reached(what=HOSTS):
        answer, failures = context.tools.hosts.circulars(query)
    every = [
        CircularRow(one.list, one.ident, one.time, one.subject, one.sender, len(one.parts)) for one in answer.circulars
    ]
    rows = fitting(every, ROOM_OF_ROWS)
    shown = fitting([ArchivedList(one.name, one.title, one.name in answer.full) for one in lists], ROOM_OF_LISTS)
    return Circulars(
        uid, circulars=rows, lists=shown, more=answer.more or len(rows) < len(every), oldest=answer.oldest,
        counting=answer.counting.value, away=bool(failures),
    )  # fmt: skip


@call(cost=costs.LOOK)
def show_circular(context: Context, request: ShowCircular) -> CircularPage:
    """Show it to an agent who may read it."""
    uid = context.owner(request.uid).uid
    one, which = _read_by(context.directory, uid, request)
    with reached(what=HOSTS):
        shown = context.tools.hosts.circular(structs.replace(which, uid=uid))
    if shown is None:
        raise NotFoundError(NO_SUCH)
    circular = shown.circular
    text = circular.text.encode()[:ROOM_OF_TEXT].decode("utf-8", "ignore")
    text = text if len(msgspec.json.encode(text)) <= ROOM_OF_TEXT + 500 else text[: ROOM_OF_TEXT // 6]
    parts = fitting(circular.parts, ROOM_OF_PARTS)
    page = CircularPage(
        uid, list=one.name, title=one.title, ident=circular.ident, time=circular.time, subject=circular.subject,
        sender=circular.sender, text=text, cut=len(text) < len(circular.text), broken=circular.broken, parts=parts,
        more_files=len(parts) < len(circular.parts), counting=shown.counting.value,
    )  # fmt: skip
    return _with_readers(context, page, one, which, shown) if shown.counting is not Counting.NOTHING else page


def _with_readers(context: Context, page: CircularPage, one: MailingList, which: Which, shown: Shown) -> CircularPage:
    if not _sends(context.directory, one, page.uid, shown.circular):
        return page
    with reached(what=HOSTS):
        opened = context.tools.hosts.circular_readers(which)
    if opened is None:
        return page
    readers = sorted(opened.readers, key=lambda reader: -reader.time)[:60]
    uids = AnyOf(tuple(Equal("uid", reader.uid) for reader in readers))
    entries = context.directory.search("people", ("uid", "cn"), uids) if readers else ()
    names = {first(entry.attributes, "uid"): first(entry.attributes, "cn") for entry in entries}
    rows = [CircularReader(names.get(reader.uid) or reader.uid, reader.time) for reader in readers]
    return structs.replace(page, readers=opened.count, names=fitting(rows, ROOM_OF_NAMES))


class _Chunks(io.RawIOBase):
    """The bytes of an attachment, fetched as they are read."""

    def __init__(self, tools: Tools, which: Which) -> None:
        self.tools, self.which, self.rest = tools, which, b""

    def readable(self) -> bool:
        """See io.RawIOBase."""
        return True

    def readinto(self, buffer: Any) -> int:
        """See io.RawIOBase. Raises OSError where a host gives no answer, or the circular is gone meanwhile."""
        if not self.rest:
            try:
                chunk = self.tools.hosts.circular_part(self.which)
            except MallepostError as error:
                raise OSError(str(error)) from error
            if chunk is None:
                raise OSError(NO_SUCH)
            self.rest = chunk.content
            self.which = structs.replace(self.which, offset=self.which.offset + len(chunk.content))
        some, self.rest = self.rest[: len(buffer)], self.rest[len(buffer) :]
        buffer[: len(some)] = some
        return len(some)


def _open(tools: Tools, answer: CircularPart) -> BinaryIO:
    return cast("BinaryIO", io.BufferedReader(_Chunks(tools, Which(answer.list, answer.ident, number=answer.number))))


@call(cost=costs.LOOK, opens=_open)
def fetch_circular_part(context: Context, request: FetchCircularPart) -> CircularPart:
    """Say what it is, to an agent who may read it."""
    uid = context.owner(request.uid).uid
    _one, which = _read_by(context.directory, uid, request)
    try:
        which = msgspec.convert({**structs.asdict(which), "number": request.number}, type=Which)
    except msgspec.ValidationError as error:
        raise NotFoundError(NO_SUCH) from error
    with reached(what=HOSTS):
        chunk = context.tools.hosts.circular_part(which)
    if chunk is None:
        raise NotFoundError(NO_SUCH)
    return CircularPart(
        uid, size=chunk.size, list=which.list, ident=which.ident, number=which.number, name=chunk.name, kind=chunk.kind
    )


def _names(directory: Directory, uid: str) -> tuple[str, ...]:
    """Return the uid, and those of the boxes that the agent opens."""
    for entry in directory.search("people", ("mpOpens",), {"uid": uid}):
        return (uid, *sorted(one.lower() for one in entry.attributes.get("mpOpens", ()))[:MOST_BOXES])
    return (uid,)


def _readable(directory: Directory, uid: str) -> Iterator[MailingList]:
    names = _names(directory, uid)
    for entry in directory.search("lists", ASKED, {"mpArchive": "TRUE"}):
        one = to_list(entry.attributes)
        if _reads(directory, one, names):
            yield one


def _reads(directory: Directory, one: MailingList, names: tuple[str, ...]) -> bool:
    return _posts(directory, one, names) or any(is_member(directory, one, name, "") for name in names)


def _posts(directory: Directory, one: MailingList, names: tuple[str, ...]) -> bool:
    """Whether one of them manages or moderates the list, or may write to it by name and not as everybody may."""
    everybody = (MEMBERS, STAFF, ANYONE)
    by_name = dataclasses.replace(one, posters=tuple(word for word in one.posters if word not in everybody))
    return any(may_post(directory, by_name, Poster("", name)) for name in names)


def _sends(directory: Directory, one: MailingList, uid: str, circular: Circular) -> bool:
    """Whether it is for an agent to see who reads: its author, or one who writes to the list by name."""
    names = _names(directory, uid)
    if _posts(directory, one, names):
        return True
    query = AnyOf((Equal("mailLocalAddress", circular.author.lower()), Equal("mail", circular.author.lower())))
    owners = directory.search("people", ("uid",), query) if circular.author else ()
    return any(first(entry.attributes, "uid").lower() == uid for entry in owners)


def _read_by(directory: Directory, uid: str, request: ShowCircular | FetchCircularPart) -> tuple[MailingList, Which]:
    """Return the list and the circular that are asked for. Raises NotFoundError, the same whatever is not so."""
    try:
        which = msgspec.convert({"list": request.list, "ident": request.ident}, type=Which)
    except msgspec.ValidationError as error:
        raise NotFoundError(NO_SUCH) from error
    for entry in directory.search("lists", ASKED, {"cn": which.list}):
        one = to_list(entry.attributes)
        if one.archive and _reads(directory, one, _names(directory, uid)):
            return one, which
    raise NotFoundError(NO_SUCH)
