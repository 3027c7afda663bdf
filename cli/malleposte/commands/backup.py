"""`malleposte backup`: on the controller it runs itself on the hosts; on a host it works on that host's backups."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from malleposte import paths, remote
from malleposte.backup import archives
from malleposte.errors import ExitCode, InputError

CLIENTS = "malleposte"
VAULTS = "vault"


def on_hosts(inventory: str | None, hosts: Sequence[str], words: Sequence[str], *, as_json: bool) -> int:
    """Run `malleposte backup` with `words` on the hosts that have backups; the worst exit code.

    `hosts` are names, none for all. With `as_json`, the answers are joined into one document by host.
    """
    places = remote.places(paths.inventory(inventory), CLIENTS, but=VAULTS, only=hosts)
    code = 0
    answers = {}
    for place in places:
        if as_json:
            given, answers[place.name] = place.answer(["backup", *words, "--json"])
        else:
            if len(places) > 1:
                click.secho(place.name, bold=True)
            given = place.run(["backup", *words])
        code = max(code, given)
    if as_json:
        click.echo(json.dumps({"hosts": answers}, indent=2, ensure_ascii=False))
    return code


def options(*pairs: tuple[str, Sequence[str] | str | None]) -> list[str]:
    """Option words for a host from (option, value or values); what has no value is left out."""
    words = []
    for option, value in pairs:
        for one in [value] if isinstance(value, str) else value or []:
            words += [option, one]
    return words


def when(_context: click.Context, _parameter: click.Parameter, text: str | None) -> datetime | None:
    """A date as typed: `2026-03-14`, `2026-03-14 09:00`; the host's time zone unless it bears one."""
    if text is None:
        return None
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"not a date: {text!r}", "type it as 2026-03-14 or '2026-03-14 09:00'") from None
    if len(text) <= len("2026-03-14"):
        given = given.replace(hour=23, minute=59, second=59)
    return given.astimezone(UTC)


@click.group("backup")
def command() -> None:
    """Back hosts up to their vaults, list and check what these hold.

    On the controller, these commands run themselves on the hosts over ssh; on a host they work on its own backups.

    \b
    Example:
      sudo ./malleposte backup list
      sudo ./malleposte backup list --host mail1 --vault vault2 --source system
    """


@command.command("list")
@click.option("-i", "--inventory", metavar="INVENTORY", help="Inventory of the platform (default: the lab).")
@click.option("--host", "hosts", multiple=True, metavar="NAME", help="This host only (repeatable).")
@click.option("--vault", "vaults", multiple=True, metavar="NAME", help="This vault only (repeatable).")
@click.option("--source", metavar="NAME", help="Ask the vaults for all archives of this source, such as system.")
@click.option("--as-of", "as_of", metavar="DATE", help="With --source: archives of that date or before.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_command(
    inventory: str | None,
    hosts: tuple[str, ...],
    vaults: tuple[str, ...],
    source: str | None,
    as_of: str | None,
    as_json: bool,
) -> int:
    """Show each source's archives.

    \b
    Example:
      sudo ./malleposte backup list --source system
      sudo ./malleposte backup list --host mail1 --source ldap --as-of 2026-03-14
    """
    if not paths.HOSTED:
        words = ["list", *options(("--vault", vaults), ("--source", source), ("--as-of", as_of))]
        return on_hosts(inventory, hosts, words, as_json=as_json)
    date = when(click.get_current_context(), click.Option(["--as-of"]), as_of)
    found = [
        one
        for vault in archives.vaults(only=vaults)
        for name in ([source] if source else vault.sources())
        for one in vault.archives(name, date)
    ]
    if as_json:
        rows = [{**vars(one), "start": one.start.isoformat()} for one in found]
        click.echo(json.dumps({"archives": rows}, indent=2))
    else:
        for one in found:
            click.echo(f"{one.vault:<10} {one.source:<24} {one.start:%Y-%m-%d %H:%M:%S}Z  {one.name}")
    return ExitCode.DONE
