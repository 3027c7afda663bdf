"""« Mes équipes »: the teams of an agent, made and led by agents of whom the academy says that they may.

The right is judged at each call, from the entry as it is then: who is no member learns nothing of a team, and only who
leads it changes it. The fact `malleposte_teams` says who makes teams.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from msgspec import structs

from malleposte.accountd.call import call
from malleposte.accountd.calls.meetings.week import Meeting, shown_days
from malleposte.accountd.context import Context, ForbiddenError, NotFoundError, RefusedValueError
from malleposte.accountd.message import Done, Forbidden, Message, Owned, Text
from malleposte.accounts import acts, boxes, facts
from malleposte.accounts.agendas.sogo import SogoStore
from malleposte.accounts.channels import Failure, close_all, forget_all
from malleposte.accounts.plan.changes import Change
from malleposte.accounts.teams import members
from malleposte.accounts.teams.members import sides
from malleposte.accounts.teams.model import (
    LONGEST,
    LONGEST_ADDRESS,
    LONGEST_WORDS,
    NOTICE_DAYS,
    STAFF,
    Link,
    Role,
    Rules,
    Team,
    checked_end,
    checked_link,
    checked_name,
    last_day,
    to_team,
)
from malleposte.accounts.used_names import UsedNames
from malleposte.core.errors import InputError, MallepostError
from malleposte.directory.errors import DirectoryError
from malleposte.directory.model import first
from malleposte.directory.protocol import Directory, Entry
from malleposte.lists.members import by_rule
from malleposte.lists.rule import parse
from malleposte.throttle import costs

__all__ = ["LONGEST", "LONGEST_ADDRESS", "LONGEST_WORDS", "MakeTeam", "Role", "SetMember", "SetTeam", "TeamLink",
           "TeamList", "TeamMember", "TeamShown", "Teams"]  # fmt: skip
MOST = 40
"""Teams and members in an answer; a form names the others."""
NAME, USED, DAY, WHO, LINK, LAST, RULE, FULL = "name", "used", "day", "who", "link", "last", "rule", "full"
"""The words for what cannot be taken: a name, one that is used, a day, an agent, a link; the last who leads; who takes
part by a rule; one more."""
ROLES_A_DAY = 4
"""Roles that one who leads gives to the same agent in a day: to lose one ends the agent's sessions."""
NO_END = "-"
SOON = 6
"""Meetings in an answer."""
MAKING = "teams"
"""The lock of making teams, one for each agent."""


class TeamMember(Message, frozen=True):
    """A member of a team: uid, name, role (`anime`, `participe`, `lit`)."""

    uid: str
    name: str
    role: Role


class TeamLink(Message, frozen=True):
    """A tile or a link of a team's page."""

    words: str
    address: str


class TeamShown(Message, frozen=True):
    """A team as a member sees it. `role` is the member's own; `ends` its last day (ISO 8601), if it has one.

    `by_rule`: a rule says who takes part.
    """

    uid: str
    name: str
    mail: str
    role: Role
    ends: str = ""
    by_rule: bool = False
    members: tuple[TeamMember, ...] = ()
    links: tuple[TeamLink, ...] = ()


class TeamList(Done, frozen=True):
    """Teams (`more`: and others), or one, whole, with the platform's `tools` and its next `meetings`.

    `makes`: whether the agent may make one now.
    """

    teams: tuple[TeamShown, ...] = ()
    tools: tuple[TeamLink, ...] = ()
    meetings: tuple[Meeting, ...] = ()
    more: bool = False
    makes: bool = False


class Teams(Owned[TeamList], frozen=True):
    """List the teams of an agent; with a `team` (uid), that one with its members."""

    team: Text = ""


class MakeTeam(Owned[TeamList], frozen=True):
    """Make a team that the agent leads. `ends`: its last day, or empty."""

    name: Text
    ends: Text = ""


class SetMember(Owned[TeamList], frozen=True):
    """Give somebody (uid or address) a role in a team that the agent leads; an empty one takes it away.

    A member may leave so too.
    """

    team: Text
    who: Text
    role: Text = ""


class SetTeam(Owned[TeamList], frozen=True):
    """Change the last day of a team that the agent leads (`-`: none), or add a link, or `remove` one (address)."""

    team: Text
    ends: Text = ""
    words: Text = ""
    address: Text = ""
    remove: Text = ""


@call(cost=costs.LOOK, slow=True)
def teams(context: Context, request: Teams) -> TeamList:
    """List them, or show one."""
    uid = context.owner(request.uid).uid
    if request.team:
        return _whole(context, uid, _mine(context, request.team, uid), meetings=True)
    mine = sorted(
        (_shown(to_team(one), uid) for one in members.of(context.directory, uid) if members.is_running(one)), key=_name
    )
    return TeamList(uid, teams=tuple(mine[:MOST]), more=len(mine) > MOST, makes=_makes(context, uid))


@call()
def make_team(context: Context, request: MakeTeam) -> TeamList:
    """Make it at once."""
    uid, directory = context.owner(request.uid).uid, context.directory
    with context.alone(uid, MAKING):
        rules, own_class = Rules.of(facts.read()), context.tools.classes().default
        if not may_make(directory, rules, uid):
            raise ForbiddenError(Forbidden.ROLE)
        if members.made_by(directory, uid) >= rules.most:
            raise RefusedValueError(FULL)
        with _refusing(NAME):
            box = members.draft(checked_name(request.name), uid, context.tools.domain, own_class, rules)
        with _refusing(DAY):
            ends = checked_end(request.ends, context.now, NOTICE_DAYS) if request.ends else None
        people = {uid: (boxes.person(directory, uid), Role.LEADS)}
        with _refusing(USED):
            changes = members.create(box, people, UsedNames(directory), directory.suffix, ends=ends)
        failures = _done(context, changes, ())
    return structs.replace(_whole(context, uid, members.find(directory, box.uid)), open=failures)


@call()
def set_member(context: Context, request: SetMember) -> TeamList:
    """Change it at once, on every host."""
    uid, directory = context.owner(request.uid).uid, context.directory
    with _refusing(WHO):
        role = _role(request.role)
    with context.alone(_lock(request.team)):
        entry = _mine(context, request.team, uid)
        team = to_team(entry)
        leaves = role is None and request.who.strip().lower() == uid
        if not leaves:
            _demand_lead(team, uid)
        with _refusing(WHO):
            person = boxes.person(directory, request.who, gone=role is None)
        who = first(person.attributes, "uid").lower()
        if team.urls and (role is Role.WRITES or (role is None and team.members.get(who) is Role.WRITES)):
            raise RefusedValueError(RULE)
        with _refusing(LAST if team.leaders == [who] else FULL):
            changes = members.place(entry, person, role)
        if role is not None and team.members.get(who) is not role:
            taken = context.tools.limits.day(uid, f"team {who}", ROLES_A_DAY)
            if taken.wait:
                raise ForbiddenError(Forbidden.CAP)
            context.taken.append(taken)
        failures = _done(context, changes, sides(changes)[0], f"équipe {team.uid}")
        if leaves:
            return TeamList(uid, open=failures)
        return structs.replace(_whole(context, uid, _mine(context, request.team, uid)), open=failures)


@call()
def set_team(context: Context, request: SetTeam) -> TeamList:
    """Change it at once."""
    uid = context.owner(request.uid).uid
    with context.alone(_lock(request.team)):
        entry = _mine(context, request.team, uid)
        _demand_lead(to_team(entry), uid)
        for_good = request.ends == NO_END
        with _refusing(DAY):
            ends = checked_end(request.ends, context.now, NOTICE_DAYS) if request.ends and not for_good else None
        with _refusing(LINK):
            add: Link | None = checked_link(request.words, request.address) if request.address else None
        with _refusing(FULL):
            changes = members.settle(entry, ends=ends, add=add, remove=request.remove, for_good=for_good)
        acts.make(context.directory, context.journal, changes, f"équipe {to_team(entry).uid}")
        return _whole(context, uid, _mine(context, request.team, uid))


@contextlib.contextmanager
def _refusing(word: str) -> Iterator[None]:
    """Tell the page by a word which value cannot be taken."""
    try:
        yield
    except InputError as error:
        raise RefusedValueError(word) from error


def _role(typed: str) -> Role | None:
    """Read a role, none for an empty word. Raises InputError for another word."""
    if not typed:
        return None
    if typed not in set(Role):
        raise InputError("no such role")
    return Role(typed)


def _lock(team: str) -> str:
    return f"team:{team.strip().lower()}"


def may_make(directory: Directory, rules: Rules, uid: str) -> bool:
    """Whether an agent may make teams by the academy's choice. Raises InputError for a rule that is none."""
    if rules.makers == STAFF or not rules.makers:
        return bool(rules.makers)
    return any(by_rule(directory, parse(rules.makers), uid))


def _makes(context: Context, uid: str) -> bool:
    rules = Rules.of(facts.read())
    return may_make(context.directory, rules, uid) and members.made_by(context.directory, uid) < rules.most


def _mine(context: Context, name: str, uid: str) -> Entry:
    """Return a team of a member's. Raises NotFoundError, which says the same of one that is not there."""
    sought = name.strip().lower()
    for entry in members.of(context.directory, uid):
        if members.is_running(entry) and to_team(entry).uid == sought:
            return entry
    raise NotFoundError("no team of the agent's")


def _demand_lead(team: Team, uid: str) -> None:
    if team.members.get(uid) is not Role.LEADS:
        raise ForbiddenError(Forbidden.ROLE)


def _done(context: Context, changes: Sequence[Change], loses: Sequence[str], note: str = "") -> tuple[str, ...]:
    if not acts.make(context.directory, context.journal, changes, note):
        return ()
    people = [one.uid for one in changes if one.branch == "people"]
    failures: list[Failure] = []
    for who in people:
        end = close_all if who in loses else forget_all
        failures += end(context.tools.channels, who)
    return tuple(dict.fromkeys(one.channel for one in failures))


def _name(one: TeamShown) -> str:
    return one.name.casefold()


def _shown(team: Team, uid: str, names: dict[str, str] | None = None) -> TeamShown:
    last = last_day(team.ends).isoformat() if team.ends else ""
    people = [TeamMember(one, (names or {}).get(one, ""), role) for one, role in team.members.items()]
    ordered = sorted(people, key=lambda one: (list(Role).index(one.role), one.name, one.uid))
    links = tuple(TeamLink(one.words, one.address) for one in team.links) if names is not None else ()
    return TeamShown(
        team.uid, team.name, team.mail, team.members[uid], last, bool(team.urls),
        tuple(ordered[:MOST]) if names is not None else (), links,
    )  # fmt: skip


def _whole(context: Context, uid: str, entry: Entry, *, meetings: bool = False) -> TeamList:
    """Return one with all its parts."""
    team = to_team(entry)
    names = members.names_of(context.directory, list(team.members))
    tools = tuple(TeamLink(one.words, one.address) for one in Rules.of(facts.read()).tools)
    planned = _meetings(context, team) if meetings else ()
    return TeamList(
        uid, teams=(_shown(team, uid, names),), tools=tools, meetings=planned, more=len(team.members) > MOST
    )


def _meetings(context: Context, team: Team) -> tuple[Meeting, ...]:
    """Return the next meetings of the team's agenda; none where it does not answer: the page stands without them."""
    profile = next((one.name for one in context.tools.classes().values() if one.agenda == SogoStore.name), "")
    try:
        return shown_days(context, team.uid, profile, (team.mail,))[0][:SOON] if profile else ()
    except (MallepostError, DirectoryError, OSError):
        return ()
