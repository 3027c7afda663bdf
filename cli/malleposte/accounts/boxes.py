"""Functional boxes: who opens them and sends as them, and who says so. From an operator's words to changes.

The delegates of a box stand on its entry (`mpDelegate`), which Postfix, rspamd and Roundcube read. Each delegate's own
entry names the box too (`mpOpens`): Dovecot reads one entry a log-in and takes it for the agent's groups. Both are
written together. Where a run ends between the two, the right that is left is the smaller one, and the same command
ends it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from malleposte.accounts import names
from malleposte.accounts.life.base import change
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.core.errors import InputError
from malleposte.directory.model import Attributes, FunctionalBox, State, box_attributes
from malleposte.directory.protocol import Branch, Directory, Entry
from malleposte.directory.query import AnyOf, Equal, Present
from malleposte.platform.identity import is_uid

BOX = (
    *("uid", "cn", "mail", "mailLocalAddress", "mpState", "mpProfile", "mpQuota", "mpEstablishment", "mpHidden"),
    *("mpDelegate", "mpManager", "mpReader", "mpAgenda"),
    *("mpTeam", "mpTeamEnds", "mpTeamNotice", "mpTeamLink", "mpMemberURL"),
)
PERSON = ("uid", "cn", "mail", "mpState", "mpOpens", "mpReads")
MIRRORS = {"mpDelegate": "mpOpens", "mpReader": "mpReads"}
"""The attributes of a box that name agents who open it, and their mirrors in the entries of these."""


@dataclass(frozen=True)
class Members:
    """A box and the people that a change touches, as the directory has them."""

    box: Entry
    people: Mapping[str, Entry] = field(default_factory=dict)

    @property
    def uid(self) -> str:
        """The box's uid."""
        return self.box.attributes["uid"][0]


def find(directory: Directory, name: str) -> Entry:
    """The box of a uid, an address or a UAI code. Raises InputError when there is none, or more than one."""
    word = name.strip().lower()
    match = (Equal("uid", word), Equal("mailLocalAddress", word), Equal("mpEstablishment", word))
    entries = list(directory.search("functional", BOX, AnyOf(match)))
    exact = [entry for entry in entries if word in (entry.attributes["uid"][0], *entry.attributes.get("mail", []))]
    if len(exact or entries) == 1:
        return (exact or entries)[0]
    if entries:
        names = ", ".join(sorted(entry.attributes["uid"][0] for entry in entries))
        raise InputError(f"{name} belongs to more than one box: {names}", "give the uid of one")
    raise InputError(f"no functional box {name}", "`malleposte accounts box list` shows them")


def person(directory: Directory, name: str, *, gone: bool = False) -> Entry:
    """The agent of a uid or an address. Raises InputError when there is none, or a suspended one unless `gone`."""
    word = name.strip().lower()
    match = (Equal("uid", word), Equal("mailLocalAddress", word), Equal("mpLoginAlias", word))
    entries = list(directory.search("people", PERSON, AnyOf(match)))
    if len(entries) != 1:
        raise InputError(f"no agent {name}", "give a log-in name or an address")
    if not gone and entries[0].attributes.get("mpState") == [State.SUSPENDED.value]:
        raise InputError(f"{name} is suspended")
    return entries[0]


def gather(directory: Directory, box: str, names: Iterable[str], *, gone: bool = False) -> Members:
    """A box and those who are named. Raises InputError, for a team too: each of its members has a role."""
    people = (person(directory, name, gone=gone) for name in names)
    entry = find(directory, box)
    refuse_team(entry)
    return Members(entry, {one.attributes["uid"][0]: one for one in people})


def refuse_team(entry: Entry) -> None:
    """Raise InputError for a team: half of a role that was taken away would come back by night."""
    if entry.attributes.get("mpTeam"):
        raise InputError(f"{entry.attributes['uid'][0]} is a team", "see `malleposte accounts team --help`")


def _with(values: Sequence[str], more: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*values, *more]))


def delegate(members: Members) -> list[Change]:
    """Let people open a box and send as it."""
    delegates = members.box.attributes.get("mpDelegate", [])
    changes = change(Kind.BOX, members.box, {"mpDelegate": _with(delegates, members.people)})
    for one in members.people.values():
        changes += change(Kind.MODIFY, one, {"mpOpens": _with(one.attributes.get("mpOpens", []), [members.uid])})
    return changes


def undelegate(members: Members) -> list[Change]:
    """Take that away: from their own entries first, which is what opens the box."""
    changes: list[Change] = []
    for one in members.people.values():
        opens = one.attributes.get("mpOpens", [])
        changes += change(Kind.MODIFY, one, {"mpOpens": [uid for uid in opens if uid != members.uid]})
    delegates = members.box.attributes.get("mpDelegate", [])
    return changes + change(
        Kind.BOX, members.box, {"mpDelegate": [uid for uid in delegates if uid not in members.people]}
    )


def managers(members: Members, *, remove: bool = False) -> list[Change]:
    """The source that decides the delegates of the box."""
    present = members.box.attributes.get("mpManager", [])
    uids = [uid for uid in present if uid not in members.people] if remove else _with(present, members.people)
    return change(Kind.BOX, members.box, {"mpManager": uids})


def agenda(box: Entry, *, on: bool) -> list[Change]:
    """Give the delegates of a box one agenda, or take it from them. What is in it stays until the box ends."""
    return change(Kind.AGENDA, box, {"mpAgenda": ["TRUE"] if on else []})


def create(
    box: FunctionalBox, people: Mapping[str, Entry], taken: Container[str], suffix: str, *, managers: Sequence[str] = ()
) -> list[Change]:
    """A new box with its delegates. `taken`: every name in use or used before. Raises InputError."""
    if not is_uid(box.uid):
        raise InputError(f"{box.uid!r} cannot be a box", "small letters, digits, dots, hyphens, 64 at most")
    names.refuse_used((box.uid, box.mail), taken, names.A_NAME)
    attributes: Attributes = box_attributes(box)
    if managers:
        attributes["mpManager"] = list(managers)
    changes = [Change(Kind.BOX, box.uid, box.dn(suffix), {}, attributes)]
    for one in people.values():
        changes += change(Kind.MODIFY, one, {"mpOpens": _with(one.attributes.get("mpOpens", []), [box.uid])})
    return changes


def mirror(directory: Directory) -> list[Change]:
    """Return the changes that make both sides agree, by the boxes' list: for a directory edited by other programs."""
    opened: dict[str, dict[str, list[str]]] = {}
    branches: tuple[Branch, ...] = ("functional", "people")
    for name, mirrored in MIRRORS.items():
        for branch in branches:
            for entry in directory.search(branch, ("uid", name), Present(name)):
                for uid in entry.attributes.get(name, []):
                    of_agent = opened.setdefault(uid.lower(), {})
                    of_agent.setdefault(mirrored, []).append(entry.attributes["uid"][0])
    changes: list[Change] = []
    for entry in directory.search("people", ("uid", *MIRRORS.values())):
        of_agent = opened.get(entry.attributes["uid"][0], {})
        changes += change(Kind.MODIFY, entry, {name: sorted(of_agent.get(name, [])) for name in MIRRORS.values()})
    return changes
