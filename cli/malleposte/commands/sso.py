"""`malleposte sso`: from the controller it runs itself on the portal's hosts; there, on the log-in page's store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from malleposte import paths
from malleposte.adapters import lemonldap
from malleposte.commands.away import person, run_each
from malleposte.commands.options import INVENTORY
from malleposte.errors import ExitCode, InputError
from malleposte.fleet import remote

GROUP = "portal"
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
BY = click.option("--by", default="", hidden=True, help="The person on the controller, for the journal.")
REASON = click.option("--reason", required=True, help="The reason, for the journal.")


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


@command.command("status")
@click.argument("uid")
@INVENTORY
@AS_JSON
def status_command(uid: str, inventory: str | None, as_json: bool) -> int:
    """Show the second factors and the open log-ins of an agent.

    \b
    Example:
      sudo ./malleposte sso status mdupond
      sudo ./malleposte sso status mdupond --json
    """
    if not paths.HOSTED:
        return _away(inventory, ["status", uid], as_json)
    return _told(lemonldap.factors(uid), lemonldap.sessions(uid), as_json)


@command.group("factors")
def factors_group() -> None:
    """List or remove the second factors of an agent.

    \b
    Example:
      sudo ./malleposte sso factors list mdupond
    """


@factors_group.command("list")
@click.argument("uid")
@INVENTORY
@AS_JSON
def factors_list(uid: str, inventory: str | None, as_json: bool) -> int:
    """List the second factors of an agent.

    \b
    Example:
      sudo ./malleposte sso factors list mdupond
    """
    if not paths.HOSTED:
        return _away(inventory, ["factors", "list", uid], as_json)
    return _told(lemonldap.factors(uid), None, as_json)


@factors_group.command("remove")
@click.argument("uid")
@click.argument("ident", metavar="FACTOR")
@REASON
@BY
@INVENTORY
@AS_JSON
def factors_remove(uid: str, ident: str, reason: str, by: str, inventory: str | None, as_json: bool) -> int:
    """Remove a second factor. Check the identity of the person first; the agent is told by mail.

    \b
    Example:
      sudo ./malleposte sso factors remove mdupond FACTOR --reason "telephone stolen, identity checked"
    """
    if not paths.HOSTED:
        return _away(inventory, ["factors", "remove", uid, ident, "--reason", reason, "--by", by or person()], as_json)
    gone, left = lemonldap.remove(uid, ident)
    kinds = sorted({one.kind for one in left})
    words: dict[str, Any] = {"kind": gone.kind, "name": gone.name, "added": False, "kinds": kinds}
    lemonldap.tell("/changed", uid, by=by or person(), reason=reason, **words)
    return _told(left, None, as_json)


@command.group("sessions")
def sessions_group() -> None:
    """List or end the log-ins of an agent at the provider.

    \b
    Example:
      sudo ./malleposte sso sessions list mdupond
    """


@sessions_group.command("list")
@click.argument("uid")
@INVENTORY
@AS_JSON
def sessions_list(uid: str, inventory: str | None, as_json: bool) -> int:
    """List the open log-ins of an agent, and the browsers that are asked for no code.

    \b
    Example:
      sudo ./malleposte sso sessions list mdupond
    """
    if not paths.HOSTED:
        return _away(inventory, ["sessions", "list", uid], as_json)
    return _told(None, lemonldap.sessions(uid), as_json)


@sessions_group.command("end")
@click.argument("uid")
@REASON
@BY
@INVENTORY
@AS_JSON
def sessions_end(uid: str, reason: str, by: str, inventory: str | None, as_json: bool) -> int:
    """End every log-in of an agent at the provider; no browser stays trusted.

    Sessions of the webmails and of IMAP go on: `accounts block` ends those.

    \b
    Example:
      sudo ./malleposte sso sessions end mdupond --reason "laptop lost"
    """
    if not paths.HOSTED:
        return _away(inventory, ["sessions", "end", uid, "--reason", reason, "--by", by or person()], as_json)
    many = lemonldap.end(uid)
    lemonldap.tell("/ended", uid, by=by or person(), reason=reason, many=many)
    if as_json:
        click.echo(json.dumps({"ended": many}))
    else:
        click.echo(f"{many} ended")
    return ExitCode.DONE


def _told(
    factors: Sequence[lemonldap.Factor] | None, sessions: Sequence[lemonldap.Session] | None, as_json: bool
) -> int:
    if as_json:
        found: dict[str, Any] = {}
        if factors is not None:
            found["factors"] = [one.as_dict() for one in factors]
        if sessions is not None:
            found["sessions"] = [one.as_dict() for one in sessions]
        click.echo(json.dumps(found, ensure_ascii=False))
        return ExitCode.DONE
    for factor in factors or ():
        click.echo(f"{factor.ident}  {factor.kind:<9}  {factor.made:%Y-%m-%d %H:%M}  {factor.name}")
    if factors is not None:
        click.echo(f"{len(factors)} second factor(s)", err=True)
    for one in sessions or ():
        since = f"{one.since:%Y-%m-%d %H:%M}" if one.since else "-"
        click.echo(f"{since}  level {one.level}  {one.address or '-'}{'  trusted browser' if one.trusted else ''}")
    if sessions is not None:
        click.echo(f"{len(sessions)} log-in(s)", err=True)
    return ExitCode.DONE


def _away(inventory: str | None, words: Sequence[str], as_json: bool) -> int:
    """Run `malleposte sso` on the hosts of the portal: each has a store of its own."""
    found = remote.places(paths.inventory(inventory), GROUP)
    if not found:
        raise InputError("no host is in the group portal")
    return run_each(found, ["sso", *words, *(["--json"] if as_json else [])])
