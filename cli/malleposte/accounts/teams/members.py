"""Teams are made, and members get and lose roles: from words to changes of the directory.

A member's own entry names the team too (`mpOpens`, `mpReads`): Dovecot and SOGo's job read it there. What takes a right
away begins with that side; what gives one ends with it.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Container, Iterable, Mapping, Sequence

from malleposte.accounts import boxes
from malleposte.accounts.channels import Failure
from malleposte.accounts.life.base import change, uid_of
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.accounts.teams.model import (
    LONGEST,
    MOST_LINKS,
    MOST_MEMBERS,
    TITLE,
    Link,
    Role,
    Rules,
    Team,
    to_team,
    uid_of_name,
)
from malleposte.core.errors import InputError
from malleposte.directory.model import RECEIVES, FunctionalBox, State, first
from malleposte.directory.protocol import Directory, Entry
from malleposte.directory.query import AnyOf, Equal, Present
from malleposte.platform.times import stamp

Find = Callable[[Directory, str], Iterable[str]]
"""Those whom a rule of lists finds (uids), by its URL: `lists.members.uids_by_url`."""
_OF = {"mpManager": (Role.LEADS,), "mpDelegate": (Role.LEADS, Role.WRITES), "mpReader": (Role.READS,)}
"""The attributes of a team that name its members, by role."""


def find(directory: Directory, name: str) -> Entry:
    """The entry of a team's uid, address or name. Raises InputError."""
    word = name.strip().lower().partition("@")[0]
    for uid in (word, uid_of_name(name.strip().removeprefix(TITLE))):
        for entry in directory.search("functional", boxes.BOX, {"uid": uid}):
            if entry.attributes.get("mpTeam"):
                return entry
    raise InputError(
        f"no team {name[: 2 * LONGEST]}",
        "`malleposte accounts team list` shows them",
        french="Il n’y a pas cette équipe.",
    )


def every(directory: Directory) -> list[Entry]:
    """All teams."""
    return list(directory.search("functional", boxes.BOX, Present("mpTeam")))


def of(directory: Directory, uid: str) -> list[Entry]:
    """The teams of which an agent is a member."""
    member = AnyOf((Equal("mpDelegate", uid), Equal("mpReader", uid)))
    entries = directory.search("functional", boxes.BOX, member)
    return [entry for entry in entries if entry.attributes.get("mpTeam")]


def made_by(directory: Directory, uid: str) -> int:
    """The number of teams there are that an agent made; one that ends counts until it is gone."""
    return sum(1 for _entry in directory.search("functional", ("uid",), {"mpTeam": uid}))


def draft(words: str, maker: str, domain: str, profile: str, rules: Rules) -> FunctionalBox:
    """The box of a new team. `words`: its name, checked."""
    uid = uid_of_name(words)
    return FunctionalBox(
        uid=uid, name=f"{TITLE}{words}", mail=f"{uid}@{domain}", profile=profile, quota_mb=rules.quota_mb, agenda=True,
        team=maker,
    )  # fmt: skip


def create(
    box: FunctionalBox, people: Mapping[str, tuple[Entry, Role]], taken: Container[str], suffix: str,
    *, ends: datetime.datetime | None = None, urls: Sequence[str] = (), links: Iterable[Link] = (),
) -> list[Change]:  # fmt: skip
    """The changes that make a team with its members, by uid. `taken`: every name in use or used before.

    Raises InputError.
    """
    if not any(role is Role.LEADS for _entry, role in people.values()):
        raise InputError("nobody leads the team", "name one at least", french="Une équipe a un animateur au moins.")
    _fits(len(people))
    changes = boxes.create(box, {}, taken, suffix)
    after = {name: [uid for uid, (_entry, role) in people.items() if role in roles] for name, roles in _OF.items()}
    after |= {"mpMemberURL": list(urls), "mpTeamLink": [one.value for one in links]}
    after |= {"mpTeamEnds": [stamp(ends)] if ends else []}
    changes[0].after.update({name: values for name, values in after.items() if values})
    for entry, role in people.values():
        changes += _mirrored(box.uid, entry, role)
    return changes


def place(entry: Entry, person: Entry, role: Role | None) -> list[Change]:
    """Give somebody a role in a team, or none any more. Raises InputError where nobody would lead it."""
    team, uid = to_team(entry), uid_of(person).lower()
    before = team.members.get(uid)
    if team.leaders == [uid] and role is not Role.LEADS:
        raise InputError(
            f"{uid} alone leads {team.uid}", "let somebody else lead it first, or end it",
            french="Il faut un autre animateur d’abord : une équipe en a un au moins.",
        )  # fmt: skip
    if team.urls and role is Role.WRITES and before is not Role.LEADS:
        raise InputError(
            f"a rule says who takes part in {team.uid}", "members by name lead it or read",
            french="Une règle dit qui participe à cette équipe : on n’y ajoute que des animateurs et des lecteurs.",
        )  # fmt: skip
    if before is None and role is not None:
        _fits(len(team.members) + 1)
    own = _mirrored(team.uid, person, role)
    whole = change(Kind.BOX, entry, _attributes(team, {uid: role}))
    gains = role in (Role.LEADS, Role.WRITES) or (role is Role.READS and before is None)
    return [*whole, *own] if gains else [*own, *whole]


def follow(directory: Directory, entry: Entry, find: Find, say: Callable[[Failure], object]) -> list[Change]:
    """The changes that bring those who take part to the team's rule: who leaves the school leaves the team.

    Who leads it or reads stays. Where the rule finds more than a team may have, `say` is told, nobody joins, and who is
    not found leaves all the same.
    """
    team = to_team(entry)
    if not team.urls:
        return []
    by_rule = {uid.lower() for url in team.urls for uid in find(directory, url)}
    named = {uid for uid, role in team.members.items() if role is not Role.WRITES}
    gone = [uid for uid in team.members if uid not in by_rule | named]
    come = sorted(by_rule - team.members.keys())
    if (count := len(by_rule | named)) > MOST_MEMBERS:
        say(Failure("rule", f"it finds more people than a team has members: {count}, {MOST_MEMBERS} at most"))
        come = []
    people = {uid_of(one): one for one in _people(directory, [*gone, *come])}
    roles = dict.fromkeys(gone) | {uid: Role.WRITES for uid in come if uid in people}
    leaving = [one for uid in gone if uid in people for one in _mirrored(team.uid, people[uid], None)]
    coming = [one for uid in come if uid in people for one in _mirrored(team.uid, people[uid], Role.WRITES)]
    return [*leaving, *change(Kind.BOX, entry, _attributes(team, roles)), *coming]


def mirrored(directory: Directory, team: Team) -> list[Change]:
    """The changes of members' own entries that a command which was interrupted left out."""
    people = _people(directory, list(team.members))
    return [one for person in people for one in _mirrored(team.uid, person, team.members[uid_of(person).lower()])]


def settle(
    entry: Entry, *, ends: datetime.datetime | None = None, add: Link | None = None, remove: str = "",
    for_good: bool = False,
) -> list[Change]:  # fmt: skip
    """Change a team's end (`for_good`: it has none), or its links (`remove`: an address). Raises InputError."""
    team = to_team(entry)
    links = {one.address: one for one in team.links if one.address != remove}
    links |= {add.address: add} if add else {}
    if len(links) > MOST_LINKS:
        raise InputError(
            f"{team.uid} has {MOST_LINKS} links", "remove one first", french="Une équipe a six liens au plus."
        )
    after = {"mpTeamLink": [one.value for one in links.values()]}
    if ends or for_good:
        after["mpTeamEnds"] = [stamp(ends)] if ends else []
    return change(Kind.BOX, entry, after)


def release(directory: Directory, team: Team) -> list[Change]:
    """Take the team from the own entries of all its members; its entry still names them, for the archive."""
    people = _people(directory, list(team.members))
    return [one for person in people for one in _mirrored(team.uid, person, None)]


def names_of(directory: Directory, uids: Sequence[str]) -> dict[str, str]:
    """The names of people, by uid."""
    return {uid_of(one): first(one.attributes, "cn") for one in _people(directory, uids)}


def here(directory: Directory, uids: Sequence[str]) -> list[Entry]:
    """The entries of those who take mail."""
    states = {state.value for state in RECEIVES}
    return [one for one in _people(directory, uids) if first(one.attributes, "mpState") in states]


def is_running(entry: Entry) -> bool:
    """Whether a box is a team that has not begun to end."""
    return bool(entry.attributes.get("mpTeam")) and first(entry.attributes, "mpState") != State.SUSPENDED.value


def sides(changes: Iterable[Change]) -> tuple[list[str], list[str]]:
    """Return the uids of people who lost something by changes of members, and of those who only gained."""
    lost, gained = list[str](), list[str]()
    for one in changes:
        if one.branch == "people":
            pairs = [(one.before.get(name, []), one.after.get(name, [])) for name in boxes.MIRRORS.values()]
            fewer = any(set(before) - set(after) for before, after in pairs)
            (lost if fewer else gained).append(one.uid)
    return lost, gained


def _people(directory: Directory, uids: Sequence[str]) -> list[Entry]:
    people: list[Entry] = []
    for start in range(0, len(uids), 100):
        query = AnyOf(tuple(Equal("uid", uid) for uid in uids[start : start + 100]))
        people += directory.search("people", boxes.PERSON, query)
    return people


def _mirrored(uid: str, person: Entry, role: Role | None) -> list[Change]:
    after = {}
    for name, roles in (("mpOpens", _OF["mpDelegate"]), ("mpReads", _OF["mpReader"])):
        others = [one for one in person.attributes.get(name, []) if one.lower() != uid]
        after[name] = [*others, uid] if role in roles else others
    return change(Kind.MODIFY, person, after)


def _attributes(team: Team, changed: Mapping[str, Role | None]) -> dict[str, list[str]]:
    roles = {**team.members, **changed}
    return {name: [uid for uid, role in roles.items() if role in named] for name, named in _OF.items()}


def _fits(count: int) -> None:
    if count > MOST_MEMBERS:
        raise InputError(
            f"a team has {MOST_MEMBERS} members at most, not {count}", "a list or a box has no such limit",
            french=f"Une équipe a {MOST_MEMBERS} membres au plus.",
        )  # fmt: skip
