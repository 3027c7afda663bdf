"""Functional boxes in which each message has an owner, for their delegates: who opens a box is judged at each call."""

from __future__ import annotations

import re
from collections.abc import Iterator

from malleposte.accountd.call import call
from malleposte.accountd.context import Context, NotFoundError, RefusedValueError, reached
from malleposte.accountd.message import Count, Done, Message, Owned, Text, fitting
from malleposte.accounts import boxes
from malleposte.accounts.mailbox.owners.model import LONGEST_NOTE, Act, Change, Mail, Note, Refused, Shown
from malleposte.directory.model import first
from malleposte.directory.protocol import Entry
from malleposte.directory.query import AnyOf, Equal
from malleposte.platform.times import iso
from malleposte.throttle import costs

MOST_BOXES, BOX_ROOM, MAIL_ROOM, NOTE_ROOM = 30, 4000, 7000, 6000
"""Boxes of an answer; bytes of boxes, of messages and of notes."""
NOBODY, MINE = "nobody", "mine"
"""The messages that are asked for."""
IDENT = re.compile(r"([1-9][0-9]{0,9})\.([0-9a-f]{40})")
NOTE_LENGTH = LONGEST_NOTE
"""Characters of a note."""
OFF = "off"
"""The word of what is refused where the academy does not let mail have owners; others are those of the host."""


class OwnedBox(Message, frozen=True):
    """A functional box that an agent opens or manages (`manager`)."""

    uid: str
    title: str
    mail: str
    opens: bool = False
    manager: bool = False


class OwnedMail(Message, frozen=True):
    """A message that waits for an answer; its owner's uid and name, how many notes it has. Times in ISO 8601."""

    ident: str
    sender: str
    subject: str
    received: str
    owner: str = ""
    name: str = ""
    since: str = ""
    notes: int = 0


class OwnedNote(Message, frozen=True):
    """A note to colleagues; `at` in ISO 8601."""

    ident: str
    by: str
    name: str
    at: str
    text: str


class BoxMail(Done, frozen=True):
    """The boxes of an agent; of one of them (`box`) what waits for an answer, the oldest first.

    `allowed`: the academy lets mail have owners. `since`: mail from then on has, empty where that is off. `next`: where
    the following messages begin (0: nowhere). `more`: there are others beyond those that are looked at.
    """

    boxes: tuple[OwnedBox, ...] = ()
    box: str = ""
    allowed: bool = False
    since: str = ""
    mails: tuple[OwnedMail, ...] = ()
    notes: tuple[OwnedNote, ...] = ()
    next: int = 0
    more: bool = False


class ShowBoxMail(Owned[BoxMail], frozen=True):
    """List the boxes that an agent opens or manages, and what waits in one (`box`), from `skip` on.

    `only`: messages of `nobody`, or `mine`. `ident`: with the notes of that message alone.
    """

    box: Text = ""
    only: Text = ""
    skip: Count = 0
    ident: Text = ""


class ChangeBoxMail(Owned[BoxMail], frozen=True):
    """Take a message (`take`), give it back (`give`), end it (`done`), note something (`note`) or `erase` a note.

    `text` is the note, or the identifier of the one to erase.
    """

    box: Text
    ident: Text
    change: Text
    text: Text = ""


class SetBoxOwners(Owned[BoxMail], frozen=True):
    """Let the mail of a box that the agent manages have owners, or end that."""

    box: Text
    on: bool


@call(cost=costs.LOOK)
def show_box_mail(context: Context, request: ShowBoxMail) -> BoxMail:
    """Read it on the host of the box."""
    holder = context.owner(request.uid)
    if not request.box:
        return _answer(context, holder.uid, None, Shown())
    entry = _entry(context, holder.uid, request.box)
    key = _ident(request.ident)[1] if request.ident else ""
    shown = Shown()
    if _opens(entry, holder.uid) or _manages(entry, holder.uid):
        with reached():
            shown = context.tools.hosts.owned_mail(first(entry.attributes, "uid"), key)
    return _answer(context, holder.uid, entry, shown, only=request.only, skip=max(0, request.skip), key=key)


@call()
def change_box_mail(context: Context, request: ChangeBoxMail) -> BoxMail:
    """Do it there. Who comes second is refused: another delegate has the message."""
    holder = context.owner(request.uid)
    entry = _entry(context, holder.uid, request.box)
    if not _opens(entry, holder.uid):
        raise NotFoundError("no box that the agent opens")
    if request.change not in [*Act]:
        raise RefusedValueError("no such change")
    act, (number, key) = Act(request.change), _ident(request.ident)
    change = Change(holder.uid, act, number, key, request.text, _manages(entry, holder.uid))
    with reached():
        shown = context.tools.hosts.change_owned(first(entry.attributes, "uid"), change)
    if shown.refused:
        raise RefusedValueError(shown.refused)
    return _answer(context, holder.uid, entry, shown, key=key if act in (Act.NOTE, Act.ERASE) else "")


@call()
def set_box_owners(context: Context, request: SetBoxOwners) -> BoxMail:
    """Turn it on or off there; the journal of who did it says so."""
    holder = context.owner(request.uid)
    entry = _entry(context, holder.uid, request.box)
    if not _manages(entry, holder.uid):
        raise NotFoundError("no box that the agent manages")
    box = first(entry.attributes, "uid")
    with reached():
        shown = context.tools.hosts.owned_mail(box)
    if request.on and not shown.allowed:
        raise RefusedValueError(OFF)
    with reached():
        shown = context.tools.hosts.set_owners(box, request.on)
    context.journal.write("owners", holder.uid, note=f"boîte {box} {'en service' if request.on else 'arrêt'}")
    return _answer(context, holder.uid, entry, shown)


def _boxes(context: Context, uid: str) -> Iterator[Entry]:
    match = AnyOf((Equal("mpDelegate", uid), Equal("mpManager", uid)))
    yield from context.directory.search("functional", boxes.BOX, match)


def _entry(context: Context, uid: str, box: str) -> Entry:
    """A box of the agent's. Raises NotFoundError, which says the same of one that is not there."""
    sought = box.strip().lower()
    for entry in _boxes(context, uid):
        if first(entry.attributes, "uid").lower() == sought:
            return entry
    raise NotFoundError("no box of the agent's")


def _opens(entry: Entry, uid: str) -> bool:
    return uid in entry.attributes.get("mpDelegate", [])


def _manages(entry: Entry, uid: str) -> bool:
    return uid in entry.attributes.get("mpManager", [])


def _ident(text: str) -> tuple[int, str]:
    match = IDENT.fullmatch(text)
    if not match:
        raise RefusedValueError(Refused.GONE.value)
    return int(match[1]), match[2]


def _answer(
    context: Context, uid: str, entry: Entry | None, shown: Shown, *, only: str = "", skip: int = 0, key: str = ""
) -> BoxMail:
    if entry is None:
        rows = sorted((_box(one, uid) for one in _boxes(context, uid)), key=lambda one: one.title)
        return BoxMail(uid, boxes=fitting(rows[:MOST_BOXES], BOX_ROOM), more=len(rows) > MOST_BOXES)
    mails = [one for one in shown.mails if _matches(one, uid, only, key)] if _opens(entry, uid) else []
    named = {one.owner for one in mails} | {one.by for one in shown.notes}
    names = _names(context, named - {""})
    rows_of_mail = fitting([_mail(one, names) for one in mails[skip:]], MAIL_ROOM)
    following = skip + len(rows_of_mail)
    notes = [_note(one, names) for one in reversed(shown.notes)] if mails and key else []
    return BoxMail(
        uid, boxes=(_box(entry, uid),), box=first(entry.attributes, "uid"), allowed=shown.allowed,
        since=iso(int(shown.since)) if shown.since else "", mails=rows_of_mail, notes=fitting(notes, NOTE_ROOM),
        next=following if following < len(mails) else 0, more=shown.more,
    )  # fmt: skip


def _matches(one: Mail, uid: str, only: str, key: str) -> bool:
    if key:
        return one.key == key
    return {NOBODY: not one.owner, MINE: one.owner == uid}.get(only, True)


def _names(context: Context, uids: set[str]) -> dict[str, str]:
    if not uids:
        return {}
    match = AnyOf(tuple(Equal("uid", one) for one in sorted(uids)))
    entries = context.directory.search("people", ("uid", "cn"), match)
    return {first(one.attributes, "uid"): first(one.attributes, "cn") for one in entries}


def _box(entry: Entry, uid: str) -> OwnedBox:
    attributes = entry.attributes
    title = first(attributes, "displayName") or first(attributes, "cn")
    return OwnedBox(
        first(attributes, "uid"), title, first(attributes, "mail"), _opens(entry, uid), _manages(entry, uid)
    )


def _mail(one: Mail, names: dict[str, str]) -> OwnedMail:
    return OwnedMail(
        f"{one.number}.{one.key}", one.sender, one.subject, iso(int(one.received)), one.owner, names.get(one.owner, ""),
        iso(int(one.since)) if one.since else "", one.notes,
    )  # fmt: skip


def _note(one: Note, names: dict[str, str]) -> OwnedNote:
    return OwnedNote(one.ident, one.by, names.get(one.by, ""), iso(int(one.at)), one.text)
