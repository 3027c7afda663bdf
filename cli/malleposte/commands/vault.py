"""`malleposte vault`: on the controller it runs itself on the vaults; there, systemd hands it the passphrases."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click

from malleposte.backup.vault import maintenance, repair
from malleposte.commands.away import EachHostCommand, HostCommand
from malleposte.commands.backup_options import VAULTS
from malleposte.core import paths
from malleposte.core.errors import ExitCode, InputError, MallepostError
from malleposte.runtime import durable

UNIT = "malleposte-vault@{}.service"


class VaultCommand(EachHostCommand):
    """One on every vault."""

    host_group = VAULTS
    asks_host = "This vault only (repeatable)."


class OneVaultCommand(HostCommand):
    """One on the vault that is meant."""

    host_group = VAULTS
    asks_host = "The vault."


def by_systemd(name: str, settings: maintenance.Settings) -> int:
    """Start the unit, wait for its end, and print what it wrote; 1 when it failed.

    It leaves its lines in a file too: a unit has ended before journald has taken in what it wrote.
    """
    unit = UNIT.format(name)
    done = subprocess.run(["systemctl", "start", unit], check=False, stderr=subprocess.DEVNULL)
    shown = subprocess.run(
        ["systemctl", "show", "-p", "InvocationID", "--value", unit], check=True, capture_output=True, text=True
    )
    click.echo(written(output(settings, name), shown.stdout.strip()) or f"see journalctl -u {unit}")
    return ExitCode.FAILURE if done.returncode else ExitCode.DONE


def output(settings: maintenance.Settings, name: str) -> Path:
    """Return the file with the lines of the last run of an act, after a line with the unit's invocation."""
    return settings.state / f"{name}.txt"


def written(path: Path, invocation: str) -> str:
    """Return the lines of this run; empty where it ended without."""
    first, _, text = (path.read_text("utf-8") if path.exists() else "").partition("\n")
    return text if first == invocation else ""


def act(name: str) -> int:
    """One act of maintenance. Raises MallepostError when a repository has a fault."""
    settings = maintenance.Settings.read()
    if "CREDENTIALS_DIRECTORY" not in os.environ:
        return by_systemd(name, settings)
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        click.echo(line)

    faults = maintenance.act(name, settings, say)
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        lines += [*faults, f"{len(faults)} of this vault's repositories need attention"]
    durable.write(output(settings, name), "\n".join([os.environ["INVOCATION_ID"], *lines]))
    if faults:
        raise MallepostError(lines[-1])
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


@command.command("watch", cls=VaultCommand)
def watch_command() -> int:
    """Compare the archives with those of the last inspection.

    \b
    Example:
      sudo ./malleposte vault watch --host vault1
    """
    return act("watch")


@command.command("prune", cls=VaultCommand)
def prune_command() -> int:
    """Watch, then remove the archives that no rule keeps.

    \b
    Example:
      sudo ./malleposte vault prune --host vault1
    """
    return act("prune")


@command.command("check", cls=VaultCommand)
def check_command() -> int:
    """Check the repositories, without their keys.

    \b
    Example:
      sudo ./malleposte vault check --host vault2
    """
    return act("check")


@command.command("passphrase", hidden=True)
def passphrase_command() -> None:
    """On a vault: change a client's passphrase; `secrets rotate` gives both by standard input.

    \b
    Example:
      malleposte vault passphrase < passphrases.json
    """
    if not paths.HOSTED:
        raise InputError("this works on a vault", "`malleposte secrets rotate` runs it there")
    try:
        typed = json.load(sys.stdin)
        client, old, new = (str(typed[name]) for name in ("client", "old", "new"))
    except (ValueError, KeyError, TypeError) as error:
        raise InputError("standard input is not the input from `secrets rotate`") from error
    settings = maintenance.Settings.read()
    repositories = maintenance.repositories(settings, client)
    with maintenance.closed(settings, client):
        for repository in repositories:
            repository.unlock()
            click.echo(repair.change_passphrase(repository, old, new))


@command.command("undo", cls=OneVaultCommand)
@click.option("--client", required=True, metavar="NAME", help="The host that made the archives.")
@click.option("--repository", required=True, metavar="NAME", help="The repository that was named.")
def undo_command(client: str, repository: str) -> None:
    """Return a repository to the last state that passed the checks.

    Later data of the client are moved aside on the vault, not removed: the repository no longer has archives made
    since.

    \b
    Example:
      sudo ./malleposte vault undo --host vault1 --client mail1 --repository system
    """
    (one,) = maintenance.repositories(maintenance.Settings.read(), client, repository)
    click.echo(repair.undo(one))


@command.command("accept", cls=OneVaultCommand)
@click.option("--client", required=True, metavar="NAME", help="The host that made the archives.")
@click.option("--repository", required=True, metavar="NAME", help="The repository that was named.")
def accept_command(client: str, repository: str) -> None:
    """Accept a repository in its present state, without the missing archives.

    Watching and pruning then continue. Present archives are unchanged.

    \b
    Example:
      sudo ./malleposte vault accept --host vault1 --client mail1 --repository system
    """
    (one,) = maintenance.repositories(maintenance.Settings.read(), client, repository)
    click.echo(repair.accept(one))
