"""`malleposte vault`: on the controller it runs itself on the vaults; there, systemd hands it the passphrases."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

import click

from malleposte import paths, remote
from malleposte.backup import keeper
from malleposte.errors import ExitCode, MallepostError

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
    """One act of the keeper. Raises MallepostError when a repository has a fault."""
    if not paths.HOSTED:
        return on_vaults(inventory, hosts, [name])
    if "CREDENTIALS_DIRECTORY" not in os.environ:
        return by_systemd(name)
    faults = keeper.act(name, keeper.Settings.read(), click.echo)
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        raise MallepostError(f"{len(faults)} of this vault's repositories need an eye")
    return ExitCode.DONE


@click.group("vault")
def command() -> None:
    """What a vault does with its clients' archives: watch, thin out, check, undo.

    Its timers do the first three by themselves. Watching and thinning out stop at a repository of which an archive has
    gone, and say what undoes it.

    \b
    Example:
      sudo ./malleposte vault watch
      sudo ./malleposte vault undo --host vault1 --client mail1 --repository system
    """


@command.command("watch")
@click.option("-i", "--inventory", metavar="INVENTORY", help="Inventory of the platform (default: the lab).")
@click.option("--host", "hosts", multiple=True, metavar="NAME", help="This vault only (repeatable).")
def watch_command(inventory: str | None, hosts: tuple[str, ...]) -> int:
    """Compare the archives with those that were seen before.

    \b
    Example:
      sudo ./malleposte vault watch --host vault1
    """
    return act("watch", inventory, hosts)


@command.command("prune")
@click.option("-i", "--inventory", metavar="INVENTORY", help="Inventory of the platform (default: the lab).")
@click.option("--host", "hosts", multiple=True, metavar="NAME", help="This vault only (repeatable).")
def prune_command(inventory: str | None, hosts: tuple[str, ...]) -> int:
    """Watch, then remove the archives that no rule keeps.

    \b
    Example:
      sudo ./malleposte vault prune --host vault1
    """
    return act("prune", inventory, hosts)


@command.command("check")
@click.option("-i", "--inventory", metavar="INVENTORY", help="Inventory of the platform (default: the lab).")
@click.option("--host", "hosts", multiple=True, metavar="NAME", help="This vault only (repeatable).")
def check_command(inventory: str | None, hosts: tuple[str, ...]) -> int:
    """Check the repositories, without their keys.

    \b
    Example:
      sudo ./malleposte vault check --host vault2
    """
    return act("check", inventory, hosts)


@command.command("undo")
@click.option("-i", "--inventory", metavar="INVENTORY", help="Inventory of the platform (default: the lab).")
@click.option("--host", metavar="NAME", help="The vault.")
@click.option("--client", required=True, metavar="NAME", help="The host whose archives they are.")
@click.option("--repository", required=True, metavar="NAME", help="The repository that was named.")
def undo_command(inventory: str | None, host: str | None, client: str, repository: str) -> int:
    """Take a repository back to its last state that was found right.

    What its client wrote since is moved aside on the vault, not removed: archives made since are not in the repository
    any more.

    \b
    Example:
      sudo ./malleposte vault undo --host vault1 --client mail1 --repository system
    """
    if not paths.HOSTED:
        words = ["undo", "--client", client, "--repository", repository]
        return on_vaults(inventory, [host] if host else [], words)
    (one,) = keeper.repositories(keeper.Settings.read(), client, repository)
    click.echo(keeper.undo(one))
    return ExitCode.DONE
