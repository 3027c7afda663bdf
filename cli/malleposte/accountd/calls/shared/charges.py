"""The calls of whoever manages a functional box or a list (`mpManager`): delegates, posters and moderators.

The right is judged at each call, from the entry as it is then. Managers are named by the DSI alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import structs

from malleposte.accountd.call import call
from malleposte.accountd.context import Context, NotFoundError
from malleposte.accountd.message import Done, Message, Owned, Text
from malleposte.accounts import acts, boxes
from malleposte.accounts.channels import Failure, close_all, forget_all
from malleposte.accounts.plan.changes import Change
from malleposte.core.errors import InputError
from malleposte.directory.model import first
from malleposte.directory.protocol import Branch, Directory, Entry
from malleposte.directory.query import AnyOf, Equal
from malleposte.lists import edits
from malleposte.lists.model import ASKED, MEMBERS, STAFF
from malleposte.throttle import costs

BOX, LIST = "box", "list"
MOST = 60
"""Boxes and lists in an answer, and people of one."""
PARTS: Mapping[str, Mapping[str, str]] = {
    BOX: {"delegate": "mpDelegate"},
    LIST: {"poster": "mpPoster", "moderator": "mpModerator"},
}
"""The parts of each kind that its managers decide, and their attributes."""
GROUPS = (MEMBERS, STAFF)
"""Posters beside people that a manager may add; a list is opened to anyone by the DSI."""
_BRANCHES: Mapping[str, Branch] = {BOX: "functional", LIST: "lists"}
_READ: Mapping[str, Sequence[str]] = {BOX: boxes.BOX, LIST: ASKED}


class Charge(Message, frozen=True):
    """A functional box or a list that an agent manages; its parts are uids, addresses outside, `@members`…"""

    kind: str
    name: str
    title: str
    mail: str
    delegates: tuple[str, ...] = ()
    posters: tuple[str, ...] = ()
    moderators: tuple[str, ...] = ()
    archive: bool = False
    """Whether a list has an archive."""


class Member(Message, frozen=True):
    """An agent who is a part of one."""

    uid: str
    name: str = ""


class ChargeList(Done, frozen=True):
    """Boxes and lists (`more`: and others), or one with its parts, and in `people` their names."""

    charges: tuple[Charge, ...] = ()
    people: tuple[Member, ...] = ()
    more: bool = False


class Charges(Owned[ChargeList], frozen=True):
    """List the functional boxes and lists that an agent manages.

    With a `kind` (`box`, `list`) and a `name`, that one with its parts.
    """

    kind: Text = ""
    name: Text = ""


class SetCharge(Owned[ChargeList], frozen=True):
    """Give (`add`) or take away a part of a box (`delegate`) or a list (`poster`, `moderator`) that the agent manages.

    `who` is a uid or an address; a poster may also be `@members` or `@staff`. What comes back is that of `Charges`.
    """

    kind: Text
    name: Text
    part: Text
    who: Text
    add: bool = False


class SetArchive(Owned[ChargeList], frozen=True):
    """Have what a list sends archived for those whom it reaches (`on`), or no more. What is archived stays.

    What comes back is that of `Charges`.
    """

    name: Text
    on: bool = False


@call(cost=costs.LOOK)
def charges(context: Context, request: Charges) -> ChargeList:
    """List them, or show one."""
    uid = context.owner(request.uid).uid
    if request.name:
        return whole(context.directory, uid, request.kind, managed(context.directory, request.kind, request.name, uid))
    return listed(uid, (shown(kind, entry) for kind in PARTS for entry in _managed(context.directory, kind, uid)))


@call()
def set_charge(context: Context, request: SetCharge) -> ChargeList:
    """Change it at once, on every host."""
    uid, directory = context.owner(request.uid).uid, context.directory
    attribute = PARTS.get(request.kind, {}).get(request.part)
    if attribute is None:
        raise InputError("no such part")
    failures: Sequence[Failure] = ()
    with context.alone(lock(request.kind, request.name)):
        entry = managed(directory, request.kind, request.name, uid)
        if request.kind == BOX:
            note = f"boîte {request.name.lower()}"
            failures = delegated(context, entry, request.who, add=request.add, note=note) or ()
        else:
            acts.make(directory, context.journal, _adjusted(directory, entry, attribute, request))
        answer = whole(directory, uid, request.kind, managed(directory, request.kind, request.name, uid))
    return structs.replace(answer, open=tuple(one.channel for one in failures))


@call()
def set_archive(context: Context, request: SetArchive) -> ChargeList:
    """Change it; the journal has it."""
    uid, directory = context.owner(request.uid).uid, context.directory
    with context.alone(lock(LIST, request.name)):
        entry = managed(directory, LIST, request.name, uid)
        acts.make(directory, context.journal, edits.archive(directory, entry, on=request.on))
        return whole(directory, uid, LIST, managed(directory, LIST, request.name, uid))


def delegated(context: Context, box: Entry, who: str, *, add: bool, note: str) -> list[Failure] | None:
    """Let an agent open a box, or no more: at once, on every host.

    Return what failed, None where nothing was to change.
    """
    person = boxes.person(context.directory, who, gone=not add)
    members = boxes.Members(box, {first(person.attributes, "uid"): person})
    todo = boxes.delegate(members) if add else boxes.undelegate(members)
    if not acts.make(context.directory, context.journal, todo, note):
        return None
    end = forget_all if add else close_all
    return [one for uid in members.people for one in end(context.tools.channels, uid)]


def listed(uid: str, rows: Iterable[Charge]) -> ChargeList:
    """Return the answer to `uid` that lists these, as many as it has room for."""
    ordered = sorted(rows, key=lambda one: (one.kind, one.title))
    return ChargeList(uid, charges=tuple(ordered[:MOST]), more=len(ordered) > MOST)


def lock(kind: str, name: str) -> str:
    """Return the name of the lock of one."""
    return f"{kind}:{name.strip().lower()}"


def _managed(directory: Directory, kind: str, uid: str) -> Iterator[Entry]:
    for entry in directory.search(_BRANCHES[kind], _READ[kind], {"mpManager": uid}):
        if not entry.attributes.get("mpTeam"):  # a team has a page of its own, with roles
            yield entry


def managed(directory: Directory, kind: str, name: str, uid: str) -> Entry:
    """Return a box or a list of its manager. Raises NotFoundError, which says the same of one that is not there."""
    sought = name.strip().lower()
    for entry in _managed(directory, kind, uid) if kind in PARTS else ():
        if _name(kind, entry) == sought:
            return entry
    raise NotFoundError("no box or list of the agent's")


def _name(kind: str, entry: Entry) -> str:
    return first(entry.attributes, "uid" if kind == BOX else "cn").lower()


def _adjusted(directory: Directory, entry: Entry, attribute: str, request: SetCharge) -> list[Change]:
    who = request.who.strip().lower()
    if not request.add:
        return edits.adjusted(entry, attribute, [], [who])
    if attribute == "mpModerator":
        value = edits.account(directory, who)
    elif who.startswith("@") and who not in GROUPS:
        raise InputError(f"{who} is for the DSI to give")
    else:
        value = edits.poster_word(directory, who)
    return edits.adjusted(entry, attribute, [value], [])


def shown(kind: str, entry: Entry, *, parts: bool = False) -> Charge:
    """Return one as it is shown, with its parts if asked."""
    attributes = entry.attributes
    title = first(attributes, "displayName") or first(attributes, "cn")
    members = {
        f"{name}s": tuple(sorted(attributes.get(attribute, ()))[:MOST]) for name, attribute in PARTS[kind].items()
    }
    archive = first(attributes, "mpArchive") == "TRUE"
    mail = first(attributes, "mail")
    return Charge(kind, _name(kind, entry), title, mail, **(members if parts else {}), archive=archive)


def whole(directory: Directory, uid: str, kind: str, entry: Entry) -> ChargeList:
    """Return one with all its parts, and the names of the people in them."""
    charge = shown(kind, entry, parts=True)
    uids = [one for one in (*charge.delegates, *charge.posters, *charge.moderators) if "@" not in one]
    entries = directory.search("people", ("uid", "cn"), AnyOf(tuple(Equal("uid", one) for one in uids))) if uids else ()
    people = [Member(first(one.attributes, "uid"), first(one.attributes, "cn")) for one in entries]
    return ChargeList(uid, charges=(charge,), people=tuple(sorted(people, key=lambda one: one.name)))
