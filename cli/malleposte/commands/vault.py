"""`malleposte vault`: on the controller it runs itself on the vaults; there, systemd hands it the passphrases."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence

import click

from malleposte import paths
from malleposte.backup import maintenance
from malleposte.commands.options import INVENTORY
from malleposte.errors import ExitCode, InputError, MallepostError
from malleposte.fleet import remote

UNIT = "malleposte-vault@{}.service"


def on_vaults(inventory: str | None, hosts: Sequence[str], words: Sequence[str]) -> int:
    """Run `malleposte vault` with `words` on the vaults; the worst exit code."""
    places = remote.places(paths.inventory(inventory), "vault", only=hosts)
    code = 0
    for place in places:
        if len(places) > 1:
            click.secho(place.name, bold=True)
        code = max(code, place.run(["vault", *words]))
    return code


def by_systemd(name: str) -> int:
    """Start the unit, wait for its end, and print what it said; 1 when it failed."""
    unit = UNIT.format(name)
    done = subprocess.run(["systemctl", "start", unit], check=False, stderr=subprocess.DEVNULL)
    shown = subprocess.run(
        ["systemctl", "show", "-p", "InvocationID", "--value", unit], check=True, capture_output=True, text=True
    )
    words = ["journalctl", "--no-pager", "-q", "-o", "cat", f"_SYSTEMD_INVOCATION_ID={shown.stdout.strip()}"]
    subprocess.run(words, check=False)
    return ExitCode.FAILURE if done.returncode else ExitCode.DONE


def act(name: str, inventory: str | None, hosts: Sequence[str]) -> int:
    """One act of maintenance. Raises MallepostError when a repository has a fault."""
    if not paths.HOSTED:
        return on_vaults(inventory, hosts, [name])
    if "CREDENTIALS_DIRECTORY" not in os.environ:
        return by_systemd(name)
    faults = maintenance.act(name, maintenance.Settings.read(), click.echo)
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        raise MallepostError(f"{len(faults)} of this vault's repositories need attention")
    return ExitCode.DONE


@click.group("vault")
def command() -> None:
    """Manage the archives on a vault (backup server): watch, prune, check, undo.

    Timers run the first three. Watching and pruning stop at a repository that lacks an archive, and print the command
    that repairs it.

    \b
    Example:
      sudo ./malleposte vault watch
      sudo ./malleposte vault undo --host vault1 --client mail1 --repository system
    """


@command.command("watch")
@INVENTORY
@click.option("--host", "hosts", multiple=True, metavar="NAME", help="This vault only (repeatable).")
def watch_command(inventory: str | None, hosts: tuple[str, ...]) -> int:
    """Compare the archives with those of the last inspection.

    \b
    Example:
      sudo ./malleposte vault watch --host vault1
    """
    return act("watch", inventory, hosts)


@command.command("prune")
@INVENTORY
@click.option("--host", "hosts", multiple=True, metavar="NAME", help="This vault only (repeatable).")
def prune_command(inventory: str | None, hosts: tuple[str, ...]) -> int:
    """Watch, then remove the archives that no rule keeps.

    \b
    Example:
      sudo ./malleposte vault prune --host vault1
    """
    return act("prune", inventory, hosts)


@command.command("check")
@INVENTORY
@click.option("--host", "hosts", multiple=True, metavar="NAME", help="This vault only (repeatable).")
def check_command(inventory: str | None, hosts: tuple[str, ...]) -> int:
    """Check the repositories, without their keys.

    \b
    Example:
      sudo ./malleposte vault check --host vault2
    """
    return act("check", inventory, hosts)


@command.command("passphrase", hidden=True)
def passphrase_command() -> int:
    """On a vault: change a client's passphrase; `secrets rotate` gives both by standard input.

    \b
    Example:
      malleposte vault passphrase < passphrases.json
    """
    if not paths.HOSTED:
        raise InputError("this works on a vault", "`malleposte secrets rotate` runs it there")
    try:
        given = json.load(sys.stdin)
        client, old, new = (str(given[name]) for name in ("client", "old", "new"))
    except (ValueError, KeyError, TypeError) as error:
        raise InputError("standard input is not the input from `secrets rotate`") from error
    settings = maintenance.Settings.read()
    repositories = maintenance.repositories(settings, client)
    with maintenance.closed(settings, client):
        for repository in repositories:
            repository.unlock()
            click.echo(maintenance.change_passphrase(repository, old, new))
    return ExitCode.DONE


@command.command("undo")
@INVENTORY
@click.option("--host", metavar="NAME", help="The vault.")
@click.option("--client", required=True, metavar="NAME", help="The host that made the archives.")
@click.option("--repository", required=True, metavar="NAME", help="The repository that was named.")
def undo_command(inventory: str | None, host: str | None, client: str, repository: str) -> int:
    """Return a repository to the last state that passed the checks.

    Later data of the client are moved aside on the vault, not removed: the repository no longer has archives made
    since.

    \b
    Example:
      sudo ./malleposte vault undo --host vault1 --client mail1 --repository system
    """
    if not paths.HOSTED:
        words = ["undo", "--client", client, "--repository", repository]
        return on_vaults(inventory, [host] if host else [], words)
    (one,) = maintenance.repositories(maintenance.Settings.read(), client, repository)
    click.echo(maintenance.undo(one))
    return ExitCode.DONE


@command.command("accept")
@INVENTORY
@click.option("--host", metavar="NAME", help="The vault.")
@click.option("--client", required=True, metavar="NAME", help="The host that made the archives.")
@click.option("--repository", required=True, metavar="NAME", help="The repository that was named.")
def accept_command(inventory: str | None, host: str | None, client: str, repository: str) -> int:
    """Accept a repository in its present state, without the missing archives.

    Watching and pruning then continue. Present archives are unchanged.

    \b
    Example:
      sudo ./malleposte vault accept --host vault1 --client mail1 --repository system
    """
    if not paths.HOSTED:
        words = ["accept", "--client", client, "--repository", repository]
        return on_vaults(inventory, [host] if host else [], words)
    (one,) = maintenance.repositories(maintenance.Settings.read(), client, repository)
    click.echo(maintenance.accept(one))
    return ExitCode.DONE
