"""`malleposte bans`: on the controller it runs itself on every host that agents reach; there, on fail2ban."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

import click

from malleposte.adapters import fail2ban
from malleposte.commands.away import EachHostCommand
from malleposte.commands.options import AS_JSON, answer
from malleposte.platform.times import local


def _read(_context: click.Context, _option: click.Parameter, words: Sequence[str]) -> list[str]:
    """Callback: addresses in their usual form."""
    return [fail2ban.address_of(word) for word in words]


class EdgeCommand(EachHostCommand):
    """One on every host that agents reach, each with its own fail2ban (ADR 32)."""

    host_group = ("mail", "web", "portal")


@click.group("bans")
def command() -> None:
    """List or lift the bans of addresses that guessed passwords.

    An address is banned on every host of mail, web and portal. On the controller these commands run over ssh on all of
    them.

    \b
    Example:
      sudo ./malleposte bans list
      sudo ./malleposte bans lift 192.0.2.7
    """


@command.command("list", cls=EdgeCommand)
@AS_JSON
def list_command(as_json: bool) -> None:
    """List the banned addresses of each host, with the end of each ban.

    \b
    Example:
      sudo ./malleposte bans list
      sudo ./malleposte bans list --json
    """
    bans = fail2ban.bans()
    answer([asdict(one) for one in bans], map(_line, bans), as_json=as_json)
    if not as_json:
        click.echo(f"{len(bans)} banned", err=True)


def _line(one: fail2ban.Ban) -> str:
    # fail2ban writes local times without their zone.
    until = local(datetime.fromisoformat(one.until).astimezone()) if one.until else "it is lifted"
    return f"{one.address:<40} {one.jail:<10} until {until}"


@command.command("lift", cls=EdgeCommand)
@click.argument("addresses", metavar="ADDRESS...", nargs=-1, required=True, callback=_read)
@AS_JSON
def lift_command(addresses: Sequence[str], as_json: bool) -> None:
    """End the bans of addresses on every host. An address that is not banned is named.

    To exempt the address of a school for good, put it into malleposte_school_networks.

    \b
    Example:
      sudo ./malleposte bans lift 192.0.2.7
      sudo ./malleposte bans lift 192.0.2.7 2001:db8::7 --json
    """
    ended = fail2ban.lift(addresses)
    lines = (f"{one}: {'lifted' if one in ended else 'was not banned'}" for one in addresses)
    answer({"lifted": ended}, lines, as_json=as_json)
