"""The calls of who manages a functional box or a list (`mpManager`): delegates of the box, posters and moderators.

The right is judged at each call, from the entry as it is then. Managers are named by the DSI alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from malleposte.accountd import wire
from malleposte.accountd.owned import Ways
from malleposte.accounts import acts, boxes
from malleposte.accounts.channels import Channel, Failure, close_all, forget_all
from malleposte.accounts.plan.changes import Change
from malleposte.core.errors import InputError, MallepostError
from malleposte.directory.model import first
from malleposte.directory.protocol import Branch, Directory, Entry
from malleposte.directory.query import AnyOf, Equal
from malleposte.lists import edits
from malleposte.lists.model import ASKED, MEMBERS, STAFF

if TYPE_CHECKING:
    from malleposte.accountd.context import Context, Tools

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


class NotManagedError(MallepostError):
    """No such box or list, or another's."""


class Charges:
    """Does the calls."""

    def __init__(self, tools: Tools, ways: Ways) -> None:
        self._tools, self._ways = tools, ways

    @property
    def does(self) -> Mapping[type[Any], Callable[[Context, Any], wire.Answer]]:
        """Each call, and what does it."""
        return {wire.Charges: self._show, wire.SetCharge: self._set}

    def _show(self, act: Context, request: wire.Charges) -> wire.Answer:
        uid = self._ways.owner(act, request.uid).uid
        if not request.name:
            return listed(uid, (told(kind, entry) for kind in PARTS for entry in _managed(act.directory, kind, uid)))
        entry = managed(act.directory, request.kind, request.name, uid)
        return whole(act.directory, uid, request.kind, entry)

    def _set(self, act: Context, request: wire.SetCharge) -> wire.Answer:
        uid = self._ways.owner(act, request.uid).uid
        attribute = PARTS.get(request.kind, {}).get(request.part)
        if attribute is None:
            raise InputError("no such part")
        with self._ways.alone(lock(request.kind, request.name)):
            entry = managed(act.directory, request.kind, request.name, uid)
            if request.kind == BOX:
                note = f"boîte {request.name.lower()}"
                left = delegated(act, self._tools.channels, entry, request.who, add=request.add, note=note) or []
            else:
                left = []
                acts.make(act.directory, act.journal, _adjusted(act.directory, entry, attribute, request))
            done = whole(act.directory, uid, request.kind, managed(act.directory, request.kind, request.name, uid))
        return wire.Done(uid, charges=done.charges, people=done.people, open=tuple(one.channel for one in left))


def delegated(
    act: Context, channels: Sequence[Channel], box: Entry, who: str, *, add: bool, note: str
) -> list[Failure] | None:
    """Let an agent open a box, or no more: at once, on every host. What failed; None where nothing was to change."""
    person = boxes.person(act.directory, who, gone=not add)
    members = boxes.Members(box, {first(person.attributes, "uid"): person})
    todo = boxes.delegate(members) if add else boxes.undelegate(members)
    if not acts.make(act.directory, act.journal, todo, note):
        return None
    end = forget_all if add else close_all
    return [one for uid in members.people for one in end(channels, uid)]


def listed(uid: str, found: Iterable[wire.Charge]) -> wire.Done:
    """The answer to `uid` that lists these, as many as it has room for."""
    shown = sorted(found, key=lambda one: (one.kind, one.title))
    return wire.Done(uid, charges=tuple(shown[:MOST]), more=len(shown) > MOST)


def lock(kind: str, name: str) -> str:
    """The name of the lock of one."""
    return f"{kind}:{name.strip().lower()}"


def _managed(directory: Directory, kind: str, uid: str) -> Iterator[Entry]:
    yield from directory.search(_BRANCHES[kind], _READ[kind], {"mpManager": uid})


def managed(directory: Directory, kind: str, name: str, uid: str) -> Entry:
    """A box or a list of its manager. Raises NotManagedError, which says the same of one that is not there."""
    wanted = name.strip().lower()
    for entry in _managed(directory, kind, uid) if kind in PARTS else ():
        if _name(kind, entry) == wanted:
            return entry
    raise NotManagedError("no box or list of the agent's")


def _name(kind: str, entry: Entry) -> str:
    return first(entry.attributes, "uid" if kind == BOX else "cn").lower()


def _adjusted(directory: Directory, entry: Entry, attribute: str, request: wire.SetCharge) -> list[Change]:
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


def told(kind: str, entry: Entry, *, whole: bool = False) -> wire.Charge:
    """One, with its parts if `whole`."""
    held = entry.attributes
    parts = {name: tuple(sorted(held.get(attribute, ()))[:MOST]) for name, attribute in PARTS[kind].items()}
    title = first(held, "displayName") or first(held, "cn")
    return wire.Charge(kind, _name(kind, entry), title, first(held, "mail"), **_named(parts) if whole else {})


def _named(parts: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {f"{name}s": values for name, values in parts.items()}


def whole(directory: Directory, uid: str, kind: str, entry: Entry) -> wire.Done:
    """One with all its parts, and the names of the people in them."""
    charge = told(kind, entry, whole=True)
    uids = [one for one in (*charge.delegates, *charge.posters, *charge.moderators) if "@" not in one]
    found = directory.search("people", ("uid", "cn"), AnyOf(tuple(Equal("uid", one) for one in uids))) if uids else ()
    people = [wire.Person(first(one.attributes, "uid"), first(one.attributes, "cn")) for one in found]
    return wire.Done(uid, charges=(charge,), people=tuple(sorted(people, key=lambda one: one.name)))
