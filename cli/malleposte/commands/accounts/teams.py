"""`malleposte accounts team …`: teams, their members and their ends."""

from __future__ import annotations

from collections.abc import Sequence

import click

from malleposte.accounts import boxes, facts, here
from malleposte.accounts.acts import Tools, make
from malleposte.accounts.plan.changes import Change
from malleposte.accounts.settings import Settings, one_writer
from malleposte.accounts.teams import life, members
from malleposte.accounts.teams.model import (
    OPERATOR,
    Role,
    Rules,
    checked_end,
    checked_link,
    checked_name,
    last_day,
    to_team,
)
from malleposte.accounts.used_names import UsedNames
from malleposte.commands.accounts.boxes import partly, relisted
from malleposte.commands.accounts.context import now
from malleposte.commands.accounts.options import REASON, YES, confirm
from malleposte.commands.accounts.shared import show
from malleposte.commands.away import HostCommand
from malleposte.commands.options import AS_JSON, answer
from malleposte.core.errors import ExitCode, InputError
from malleposte.directory.protocol import Entry
from malleposte.lists.members import by_rule
from malleposte.lists.rule import parse, to_url
from malleposte.platform import profiles

ROLE = click.Choice([role.value for role in Role])
ENDS = click.option("--ends", default="", metavar="DAY", help="Its last day, such as 2027-07-05.")
LATER = "SOGo follows within two minutes"


@click.group("team")
def team_group() -> None:
    """Manage teams: a mailbox and its folders, an agenda and a page that members share.

    Who leads a team (anime) decides on its members; who takes part (participe) reads, writes and sends as the team;
    who reads (lit) changes nothing.

    \b
    Example:
      sudo ./malleposte accounts team create 'Projet Erasmus' --lead elefevre --member mdupond --reader abenali-morel
      sudo ./malleposte accounts team show equipe-projet-erasmus
    """


@team_group.command("create", cls=HostCommand)
@click.argument("name")
@click.option(
    "--lead", "leads", multiple=True, required=True, metavar="UID", help="An agent who leads it (repeatable)."
)
@click.option("--member", "writes", multiple=True, metavar="UID", help="An agent who takes part (repeatable).")
@click.option("--reader", "reads", multiple=True, metavar="UID", help="An agent who only reads (repeatable).")
@click.option(
    "--rule",
    "rules",
    multiple=True,
    metavar="RULE",
    help="A rule of lists that finds those who take part (repeatable).",
)
@ENDS
def create_command(
    name: str, leads: tuple[str, ...], writes: tuple[str, ...], reads: tuple[str, ...], rules: tuple[str, ...],
    ends: str,
) -> int:  # fmt: skip
    """Create a team NAME with the address equipe-NAME@<domain>, whose mail all members read in its folder.

    With a rule, those whom it finds take part, and who is not found any more leaves the next night.

    \b
    Example:
      sudo ./malleposte accounts team create 'Projet Erasmus' --lead elefevre --member mdupond --ends 2027-07-05
      sudo ./malleposte accounts team create 'Collège 9990001X' --lead elefevre --rule 'uai=9990001X'
    """
    if rules and writes:
        raise InputError("--member and --rule: a rule says who takes part", "give one of them")
    settings = Settings.read()
    with one_writer(), here.tools(settings) as tools:
        directory = tools.directory
        roles = {Role.READS: reads, Role.WRITES: writes, Role.LEADS: leads}
        people = {
            entry.attributes["uid"][0]: (entry, role)
            for role, uids in roles.items()
            for entry in (boxes.person(directory, uid) for uid in uids)
        }
        for rule in rules:
            for one in by_rule(directory, parse(rule)):
                if one.uid not in people:
                    people[one.uid] = (boxes.person(directory, one.uid), Role.WRITES)
        own_class = profiles.read().default
        box = members.draft(checked_name(name), OPERATOR, settings.domain, own_class, Rules.of(facts.read()))
        changes = members.create(
            box, people, UsedNames(directory), directory.suffix,
            ends=checked_end(ends, now()) if ends else None,
            urls=[to_url(parse(rule), directory.suffix) for rule in rules],
        )  # fmt: skip
        failures = _apply(tools, changes)
        relisted(tools)
        click.echo(f"{box.uid}: {box.mail} made with {len(people)} members; {LATER}")
        return failures


@team_group.command("show", cls=HostCommand)
@click.argument("team")
@AS_JSON
def show_command(team: str, as_json: bool) -> None:
    """Show a team, by uid, address or name.

    \b
    Example:
      sudo ./malleposte accounts team show 'Projet Erasmus'
    """
    with Settings.read().directory() as directory:
        entry = members.find(directory, team)
    show(_row(entry), as_json=as_json)


@team_group.command("list", cls=HostCommand)
@AS_JSON
def list_command(as_json: bool) -> None:
    """List teams.

    \b
    Example:
      sudo ./malleposte accounts team list
    """
    with Settings.read().directory() as directory:
        rows = sorted((_row(entry) for entry in members.every(directory)), key=lambda row: str(row["uid"]))
    lines = (f"{row['uid']:<48} {len(row['members']):>3}  {row['ends'] or '-':<10}  {row['name']}" for row in rows)
    answer(rows, lines, as_json=as_json)


def _row(entry: Entry) -> dict[str, str | list[str]]:
    team = to_team(entry)
    return {
        "uid": team.uid, "name": team.name, "mail": team.mail, "maker": team.maker, "state": team.state,
        "ends": last_day(team.ends).isoformat() if team.ends else "",
        "rules": list(team.urls), "links": [f"{one.words}: {one.address}" for one in team.links],
        "members": [f"{uid}:{role.value}" for uid, role in team.members.items()],
    }  # fmt: skip


@team_group.command("add", cls=HostCommand)
@click.argument("team")
@click.argument("uids", nargs=-1, required=True, metavar="UID...")
@click.option("--role", type=ROLE, default=Role.WRITES.value, show_default=True, help="Their role.")
def add_command(team: str, uids: tuple[str, ...], role: str) -> int:
    """Add agents to a team.

    \b
    Example:
      sudo ./malleposte accounts team add equipe-projet-erasmus mdupond abenali-morel
    """
    return _placed(team, uids, Role(role))


@team_group.command("role", cls=HostCommand)
@click.argument("team")
@click.argument("role", type=ROLE)
@click.argument("uids", nargs=-1, required=True, metavar="UID...")
def role_command(team: str, role: str, uids: tuple[str, ...]) -> int:
    """Give members of a team another role; sessions of those who lose a right end.

    \b
    Example:
      sudo ./malleposte accounts team role equipe-projet-erasmus anime mdupond
    """
    return _placed(team, uids, Role(role))


@team_group.command("remove", cls=HostCommand)
@click.argument("team")
@click.argument("uids", nargs=-1, required=True, metavar="UID...")
def remove_command(team: str, uids: tuple[str, ...]) -> int:
    """Remove members of a team, at once: their sessions end.

    \b
    Example:
      sudo ./malleposte accounts team remove equipe-projet-erasmus mdupond
    """
    return _placed(team, uids, None)


@team_group.command("set", cls=HostCommand)
@click.argument("team")
@ENDS
@click.option("--no-end", is_flag=True, help="It has no last day.")
@click.option("--link", nargs=2, metavar="WORDS ADDRESS", help="A link on its page; https alone.")
@click.option("--no-link", default="", metavar="ADDRESS", help="A link to remove.")
def set_command(team: str, ends: str, no_end: bool, link: tuple[str, str] | None, no_link: str) -> int:
    """Change a team's last day, or the links on its page.

    \b
    Example:
      sudo ./malleposte accounts team set equipe-projet-erasmus --ends 2027-12-18
      sudo ./malleposte accounts team set equipe-projet-erasmus --link Documents https://documents.ac-exemple.test/s/erasmus
    """
    if ends and no_end:
        raise InputError("--ends and --no-end", "give one of them")
    with one_writer(), here.tools(Settings.read()) as tools:
        entry = members.find(tools.directory, team)
        changes = members.settle(
            entry, ends=checked_end(ends, now()) if ends else None, add=checked_link(*link) if link else None,
            remove=no_link, for_good=no_end,
        )  # fmt: skip
        done = make(tools.directory, tools.journal, changes)
        click.echo(f"{to_team(entry).uid}: {'changed' if done else 'nothing to change'}")
    return ExitCode.DONE


@team_group.command("end", cls=HostCommand)
@click.argument("team")
@REASON
@YES
def end_command(team: str, reason: str, yes: bool) -> int:
    """End a team now: members lose it, its mail and agenda are archived on the host, its address is never reused.

    After an interruption, type the same again; the next night would also go on.

    \b
    Example:
      sudo ./malleposte accounts team end equipe-projet-erasmus --reason "the project is over"
    """
    settings = Settings.read()
    with one_writer(), here.tools(settings) as tools:
        entry = members.find(tools.directory, team)
        uid = to_team(entry).uid
        confirm(f"End the team {uid} with all its mail ({len(to_team(entry).members)} members)?", yes=yes)
        path, _removed = life.end(tools, here.rules_of(settings), (settings.journal,), entry, now(), reason)
        relisted(tools)
        click.echo(f"{uid}: ended, archived in {path}; its address is never given again")
    return ExitCode.DONE


def _placed(team: str, uids: Sequence[str], role: Role | None) -> int:
    with one_writer(), here.tools(Settings.read()) as tools:
        code: int = ExitCode.DONE
        for person in [boxes.person(tools.directory, word, gone=role is None) for word in uids]:
            entry = members.find(tools.directory, team)
            code = _apply(tools, members.place(entry, person, role)) or code
        relisted(tools)
        click.echo(f"{to_team(entry).uid}: {', '.join(uids)}: {role.value if role else 'removed'}; {LATER}")
        return code


def _apply(tools: Tools, changes: list[Change]) -> int:
    return partly(life.apply(tools, changes))
