"""`malleposte accounts role grant|withdraw|list`: the help desk, the DSI, and whoever convokes."""

from __future__ import annotations

import click

from malleposte.accounts import roles
from malleposte.accounts.acts import Tools, entry
from malleposte.accounts.plan.changes import Change
from malleposte.accounts.settings import Settings
from malleposte.commands.accounts.edit import edited
from malleposte.commands.accounts.options import REASON, WHO
from malleposte.commands.away import HostCommand
from malleposte.commands.options import AS_JSON, answer
from malleposte.core.errors import InputError
from malleposte.directory.model import first
from malleposte.directory.query import Present

ROLE = click.argument("role", type=click.Choice(roles.ROLES))


@click.group("role")
def role_group() -> None:
    """Say who is of the help desk and for which schools, of the DSI, and who may convoke.

    The role helpdesk opens the pages /assistance of the portal, after a second factor. The role dsi opens the state of
    the platform there, and the role convoke the convocations of the boxes that the facts name and the agent opens. Any
    role keeps the help desk from acting on an account.

    \b
    Example:
      sudo ./malleposte accounts role grant mdupond helpdesk --department 21
      sudo ./malleposte accounts role list
    """


@role_group.command("grant", cls=HostCommand)
@WHO
@ROLE
@click.option("--school", "schools", multiple=True, metavar="UAI", help="Agents of this school; may be repeated.")
@click.option("--department", "departments", multiple=True, metavar="NUMBER", help="Of a département; may be repeated.")
@click.option("--everywhere", is_flag=True, help="Every agent.")
@REASON
@AS_JSON
def grant_command(
    who: str, role: str, schools: tuple[str, ...], departments: tuple[str, ...], everywhere: bool, reason: str,
    as_json: bool,
) -> int:  # fmt: skip
    """Give a role to an account. The scope of a help desk takes the place of the one before.

    The person must log in by a second factor from then on, and enrols one with an INA code (accounts reset).

    \b
    Example:
      sudo ./malleposte accounts role grant mdupond helpdesk --school 0210001M --reason "help desk of the lycée"
      sudo ./malleposte accounts role grant mdupond helpdesk --everywhere --json
      sudo ./malleposte accounts role grant jmartin dsi
      sudo ./malleposte accounts role grant adurand convoke
    """
    if role == roles.HELPDESK:
        scopes = roles.scoped(schools, departments, everywhere=everywhere)
    elif schools or departments or everywhere:
        raise InputError(f"the role {role} has no schools or départements", "leave them out")
    else:
        scopes = ()

    def what(tools: Tools, uid: str) -> list[Change]:
        return roles.granted(entry(tools.directory, uid), role, scopes)

    return edited(who, reason, f"role {role} granted", what, as_json=as_json)


@role_group.command("withdraw", cls=HostCommand)
@WHO
@ROLE
@REASON
@AS_JSON
def withdraw_command(who: str, role: str, reason: str, as_json: bool) -> int:
    """Take a role away from an account, at once.

    \b
    Example:
      sudo ./malleposte accounts role withdraw mdupond helpdesk --reason "left the help desk"
      sudo ./malleposte accounts role withdraw jmartin dsi --json
    """

    def what(tools: Tools, uid: str) -> list[Change]:
        return roles.withdrawn(entry(tools.directory, uid), role)

    return edited(who, reason, f"role {role} withdrawn", what, as_json=as_json)


@role_group.command("list", cls=HostCommand)
@AS_JSON
def list_command(as_json: bool) -> None:
    """List the accounts that have a role, with the scope of each.

    \b
    Example:
      sudo ./malleposte accounts role list
      sudo ./malleposte accounts role list --json
    """
    with Settings.read().directory() as directory:
        entries = list(directory.search("people", ["uid", "cn", roles.ATTRIBUTE], Present(roles.ATTRIBUTE)))
    rows = [
        {"uid": first(one.attributes, "uid"), "name": first(one.attributes, "cn"),
         "roles": one.attributes.get(roles.ATTRIBUTE, [])}
        for one in entries
    ]  # fmt: skip
    answer(rows, (f"{row['uid']:<20} {', '.join(row['roles']):<40} {row['name']}" for row in rows), as_json=as_json)
