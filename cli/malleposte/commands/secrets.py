"""`malleposte secrets`: the inventory's secrets to an escrow, and back."""

from __future__ import annotations

from pathlib import Path

import click

from malleposte import escrow, paths
from malleposte.errors import ExitCode, InputError, MallepostError
from malleposte.progress import Progress


def passphrase(file: Path | None, *, confirm: bool) -> str:
    """From the file's first line, or asked. Raises InputError when it is short."""
    if file is not None:
        try:
            text = (file.read_text("utf-8").splitlines() or [""])[0]
        except OSError as error:
            raise InputError(f"{file}: {error.strerror}") from error
    else:
        text = click.prompt("Passphrase of the escrow", hide_input=True, confirmation_prompt=confirm, err=True)
    if len(text) < 16:
        raise InputError("the passphrase has less than 16 characters")
    return text


def asked(folder: Path) -> dict[str, bytes]:
    """The keys of the repositories; it takes about a second each."""
    with Progress().step("asking the hosts for the keys of their repositories"):
        return escrow.keys(folder)


@click.group("secrets")
def command() -> None:
    """Give the inventory's secrets to an escrow, and prove that they can be had back.

    The escrow is one file, encrypted by gpg. Keep it where neither the hosts nor the vaults are.

    \b
    Example:
      sudo ./malleposte secrets export -i inventories/standalone --to /media/escrow/malleposte.gpg
      sudo ./malleposte secrets verify -i inventories/standalone --from /media/escrow/malleposte.gpg
    """


FILE = click.Path(path_type=Path, dir_okay=False)


NO_KEYS = click.option("--no-keys", is_flag=True, help="Without the keys of the backups' repositories: ask no host.")


@command.command("export")
@click.option("-i", "--inventory", metavar="INVENTORY", help="Inventory of the platform (default: the lab).")
@click.option("--to", "target", required=True, type=FILE, help="The file to write, mode 0600.")
@click.option("--recipient", "recipients", multiple=True, type=FILE, help="File of a public gpg key (repeatable).")
@click.option("--passphrase-file", type=FILE, help="File with the passphrase, rather than being asked.")
@NO_KEYS
def export_command(
    inventory: str | None, target: Path, recipients: tuple[Path, ...], passphrase_file: Path | None, no_keys: bool
) -> int:
    """Write all secrets of the inventory into one encrypted file, with the keys of the backups' repositories.

    The keys are asked of the hosts: borg keeps each in its repository, so that one that is damaged there opens again
    (`borg key import`).

    \b
    Example:
      sudo ./malleposte secrets export --to /media/escrow/malleposte.gpg
      sudo ./malleposte secrets export --to /media/escrow/malleposte.gpg --recipient rssi.asc
    """
    folder = paths.inventory(inventory)
    escrow.refuse(target, folder)
    given = None if recipients else passphrase(passphrase_file, confirm=True)
    keys = {} if no_keys else asked(folder)
    number = escrow.export(folder, target, given, recipients, keys)
    click.echo(f"{number - len(keys)} secrets and {len(keys)} keys of repositories written to {target}")
    return ExitCode.DONE


@command.command("verify")
@click.option("-i", "--inventory", metavar="INVENTORY", help="Inventory of the platform (default: the lab).")
@click.option("--from", "source", required=True, type=FILE, help="The file of the escrow.")
@click.option("--key", type=FILE, help="File of the private gpg key, for one made to recipients.")
@click.option("--passphrase-file", type=FILE, help="File with the passphrase, rather than being asked.")
@NO_KEYS
def verify_command(
    inventory: str | None, source: Path, key: Path | None, passphrase_file: Path | None, no_keys: bool
) -> int:
    """Open an escrow and compare it with the inventory, and with the keys that the hosts' repositories have today.

    \b
    Example:
      sudo ./malleposte secrets verify --from /media/escrow/malleposte.gpg
    """
    held = escrow.opened(source, None if key else passphrase(passphrase_file, confirm=False), key)
    folder = paths.inventory(inventory)
    keys = {} if no_keys else asked(folder)
    wrong = escrow.differences(held, {**escrow.secrets(folder), **keys})
    for line in wrong:
        click.echo(line, err=True)
    if wrong:
        raise MallepostError(f"{len(wrong)} secrets are not in {source} as they are here", "export again")
    number = sum(not name.startswith(escrow.KEYS) for name in held)
    told = "" if no_keys else f", and {len(keys)} keys of repositories"
    click.echo(f"{number} secrets in {source}{told}, all as they are here")
    return ExitCode.DONE


@command.command("import")
@click.option("-i", "--inventory", metavar="INVENTORY", help="Inventory of the platform (default: the lab).")
@click.option("--from", "source", required=True, type=FILE, help="The file of the escrow.")
@click.option("--key", type=FILE, help="File of the private gpg key, for one made to recipients.")
@click.option("--passphrase-file", type=FILE, help="File with the passphrase, rather than being asked.")
def import_command(inventory: str | None, source: Path, key: Path | None, passphrase_file: Path | None) -> int:
    """Put the secrets that the inventory lacks back; one that differs is never replaced.

    \b
    Example:
      sudo ./malleposte secrets import -i inventories/mine --from /media/escrow/malleposte.gpg
    """
    held = escrow.opened(source, None if key else passphrase(passphrase_file, confirm=False), key)
    number = sum(not name.startswith(escrow.KEYS) for name in held)
    click.echo(f"{len(escrow.put_back(held, paths.inventory(inventory)))} of {number} secrets put back")
    return ExitCode.DONE
