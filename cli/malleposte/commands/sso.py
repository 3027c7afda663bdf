"""`malleposte sso`: from the controller it runs itself on the portal's hosts; there, on the log-in page's store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from malleposte.adapters import lemonldap, log_outs
from malleposte.commands.away import PortalCommand, person
from malleposte.commands.options import AS_JSON, answer
from malleposte.core.errors import ExitCode
from malleposte.platform.times import local

BY = click.option("--by", default="", hidden=True, help="The person on the controller, for the journal.")
REASON = click.option("--reason", required=True, help="The reason, for the journal.")


class ActCommand(PortalCommand):
    """One that changes something: the journal of the host names the person on the controller."""

    def away(self, ctx: click.Context, inventory: Path, words: list[str]) -> int:
        """See HostCommand."""
        return super().away(ctx, inventory, [*words[:3], "--by", person(), *words[3:]])


class RemoveCommand(ActCommand):
    """A factor is in the store of one host, or was removed there already."""

    some_hold = True


@click.group("sso")
def command() -> None:
    """Show or end log-ins at the provider, and show or remove second factors.

    On the controller these commands run over ssh on the hosts of the portal.

    \b
    Example:
      sudo ./malleposte sso status mdupond
      sudo ./malleposte sso factors list mdupond
      sudo ./malleposte sso factors remove mdupond FACTOR --reason "telephone stolen, identity checked"
      sudo ./malleposte sso sessions end mdupond --reason "laptop lost"
    """


@command.command("status", cls=PortalCommand)
@click.argument("uid")
@AS_JSON
def status_command(uid: str, as_json: bool) -> int:
    """Show the second factors and the open log-ins of an agent.

    \b
    Example:
      sudo ./malleposte sso status mdupond
      sudo ./malleposte sso status mdupond --json
    """
    factors, sessions = lemonldap.factors(uid), lemonldap.sessions(uid)
    if not (factors or sessions or as_json):
        click.echo(
            f"{uid}: no second factor and no open log-in; `malleposte accounts show {uid}` tells whether there is such "
            "an account"
        )
        return ExitCode.DONE
    return _print(factors, sessions, as_json)


@command.group("factors")
def factors_group() -> None:
    """List or remove the second factors of an agent.

    \b
    Example:
      sudo ./malleposte sso factors list mdupond
    """


@factors_group.command("list", cls=PortalCommand)
@click.argument("uid")
@AS_JSON
def factors_list(uid: str, as_json: bool) -> int:
    """List the second factors of an agent.

    \b
    Example:
      sudo ./malleposte sso factors list mdupond
    """
    return _print(lemonldap.factors(uid), None, as_json)


@factors_group.command("remove", cls=RemoveCommand)
@click.argument("uid")
@click.argument("ident", metavar="FACTOR")
@REASON
@BY
@AS_JSON
def factors_remove(uid: str, ident: str, reason: str, by: str, as_json: bool) -> int:
    """Remove a second factor. Check the identity of the person first; the agent is told by mail.

    \b
    Example:
      sudo ./malleposte sso factors remove mdupond FACTOR --reason "telephone stolen, identity checked"
    """
    gone, left = lemonldap.remove(uid, ident)
    kinds = sorted({one.kind for one in left})
    words: dict[str, Any] = {"kind": gone.kind, "name": gone.name, "added": False, "kinds": kinds}
    lemonldap.tell("/changed", uid, by=by or person(), reason=reason, **words)
    return _print(left, None, as_json)


@command.group("sessions")
def sessions_group() -> None:
    """List or end the log-ins of an agent at the provider.

    \b
    Example:
      sudo ./malleposte sso sessions list mdupond
    """


@sessions_group.command("list", cls=PortalCommand)
@click.argument("uid")
@AS_JSON
def sessions_list(uid: str, as_json: bool) -> int:
    """List the open log-ins of an agent, and the browsers that are asked for no code.

    \b
    Example:
      sudo ./malleposte sso sessions list mdupond
    """
    return _print(None, lemonldap.sessions(uid), as_json)


@sessions_group.command("end", cls=ActCommand)
@click.argument("uid")
@REASON
@BY
@AS_JSON
def sessions_end(uid: str, reason: str, by: str, as_json: bool) -> int:
    """End every log-in of an agent at the provider; no browser stays trusted.

    Webmails and the portal are told, and ask to log in at the next page. One that gives no answer is named (exit code
    4), and asks within five minutes. IMAP goes on: `accounts block` ends it.

    \b
    Example:
      sudo ./malleposte sso sessions end mdupond --reason "laptop lost"
    """
    ended = lemonldap.end(uid, tell=log_outs.tell)
    lemonldap.tell("/ended", uid, by=by or person(), reason=reason, many=ended.many)
    answer({"ended": ended.many, "not_told": ended.untold}, [f"{ended.many} ended"], as_json=as_json)
    for name in [] if as_json else ended.untold:
        click.echo(f"{name} was not told: what is open there ends within five minutes", err=True)
    return ExitCode.PARTLY if ended.untold else ExitCode.DONE


def _print(
    factors: Sequence[lemonldap.Factor] | None, sessions: Sequence[lemonldap.Session] | None, as_json: bool
) -> int:
    if as_json:
        asked = {"factors": factors, "sessions": sessions}
        document = {name: [one.as_dict() for one in rows] for name, rows in asked.items() if rows is not None}
        click.echo(json.dumps(document, ensure_ascii=False))
        return ExitCode.DONE
    for factor in factors or ():
        enrolled = local(factor.made) if factor.made else "-"
        click.echo(f"{factor.ident}  {factor.kind:<9}  {enrolled}  {factor.name}")
    if factors is not None:
        click.echo(f"{len(factors)} second factor(s)", err=True)
    for one in sessions or ():
        since = local(one.since) if one.since else "-"
        click.echo(f"{since}  level {one.level}  {one.address or '-'}{'  trusted browser' if one.trusted else ''}")
    if sessions is not None:
        click.echo(f"{len(sessions)} log-in(s)", err=True)
    return ExitCode.DONE
