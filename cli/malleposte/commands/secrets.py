"""`malleposte secrets`: the inventory's secrets to an escrow, and back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from malleposte.commands.options import INVENTORY
from malleposte.core import paths
from malleposte.core.errors import InputError, MallepostError
from malleposte.core.progress import Progress
from malleposte.fleet.site import Site, Vault
from malleposte.rotation import escrow, kinds, timer
from malleposte.rotation.run import Rotation, ensured
from malleposte.rotation.store import Store


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
    """Change the inventory's secrets; export, verify and import an escrow of them.

    The escrow is one file, encrypted by gpg. Keep it away from the hosts and the vaults.

    \b
    Example:
      sudo ./malleposte secrets export -i inventories/standalone --to /media/escrow/malleposte.gpg
      sudo ./malleposte secrets verify -i inventories/standalone --from /media/escrow/malleposte.gpg
      sudo ./malleposte secrets rotate -i inventories/standalone ldap-dovecot
    """


FILE = click.Path(path_type=Path, dir_okay=False)


NO_KEYS = click.option("--no-keys", is_flag=True, help="Without the keys of the backups' repositories: ask no host.")


@command.command("export")
@INVENTORY
@click.option("--to", "target", required=True, type=FILE, help="The file to write, mode 0600.")
@click.option("--recipient", "recipients", multiple=True, type=FILE, help="File of a public gpg key (repeatable).")
@click.option("--passphrase-file", type=FILE, help="File with the passphrase, rather than being asked.")
@NO_KEYS
def export_command(
    inventory: str | None, target: Path, recipients: tuple[Path, ...], passphrase_file: Path | None, no_keys: bool
) -> None:
    """Write all secrets of the inventory into one encrypted file, with the keys of the backups' repositories.

    The command fetches the keys from the hosts. Borg stores each key in its repository; `borg key import` repairs a
    damaged one.

    \b
    Example:
      sudo ./malleposte secrets export --to /media/escrow/malleposte.gpg
      sudo ./malleposte secrets export --to /media/escrow/malleposte.gpg --recipient rssi.asc
    """
    folder = paths.inventory(inventory)
    escrow.refuse(target, folder)
    phrase = None if recipients else passphrase(passphrase_file, confirm=True)
    keys = {} if no_keys else asked(folder)
    number = escrow.export(folder, target, phrase, recipients, keys)
    click.echo(f"{number - len(keys)} secrets and {len(keys)} keys of repositories written to {target}")


@command.command("verify")
@INVENTORY
@click.option("--from", "source", required=True, type=FILE, help="The file of the escrow.")
@click.option("--key", type=FILE, help="File of the private gpg key, for one made to recipients.")
@click.option("--passphrase-file", type=FILE, help="File with the passphrase, rather than being asked.")
@NO_KEYS
def verify_command(
    inventory: str | None, source: Path, key: Path | None, passphrase_file: Path | None, no_keys: bool
) -> None:
    """Open an escrow and compare it with the inventory, and with the keys that the hosts' repositories have today.

    \b
    Example:
      sudo ./malleposte secrets verify --from /media/escrow/malleposte.gpg
    """
    escrow.there(source)
    contents = escrow.opened(source, None if key else passphrase(passphrase_file, confirm=False), key)
    folder = paths.inventory(inventory)
    keys = {} if no_keys else asked(folder)
    wrong = escrow.differences(contents, {**escrow.secrets(folder), **keys})
    for line in wrong:
        click.echo(line, err=True)
    if wrong:
        raise MallepostError(f"{len(wrong)} secrets are not in {source} as they are here", "export again")
    number = sum(not name.startswith(escrow.KEYS) for name in contents)
    keys_too = "" if no_keys else f", and {len(keys)} keys of repositories"
    click.echo(f"{number} secrets in {source}{keys_too}, all as they are here")


@command.command("import")
@INVENTORY
@click.option("--from", "source", required=True, type=FILE, help="The file of the escrow.")
@click.option("--key", type=FILE, help="File of the private gpg key, for one made to recipients.")
@click.option("--passphrase-file", type=FILE, help="File with the passphrase, rather than being asked.")
def import_command(inventory: str | None, source: Path, key: Path | None, passphrase_file: Path | None) -> None:
    """Import the secrets that the inventory lacks; a different one is never replaced.

    \b
    Example:
      sudo ./malleposte secrets import -i inventories/mine --from /media/escrow/malleposte.gpg
    """
    escrow.there(source)
    contents = escrow.opened(source, None if key else passphrase(passphrase_file, confirm=False), key)
    number = sum(not name.startswith(escrow.KEYS) for name in contents)
    click.echo(f"{len(escrow.put_back(contents, paths.inventory(inventory)))} of {number} secrets put back")


def rotation(inventory: str | None, linear: bool, vault: Vault) -> Rotation:
    """Return the rotation that changes the secrets of an inventory."""
    where = paths.inventory(inventory)
    site = Site(where, vault)
    ask: tuple[str, ...] = ("--ask-vault-pass",) if vault.ask else ()
    ask += ("--vault-password-file", vault.password_file) if vault.password_file else ()
    return Rotation(where, site, Store(where), lambda line: click.echo(line, err=True), ensured(where, linear, ask))


def plan_lines(turn: Rotation, names: list[str]) -> list[str]:
    """List the coming steps, a line a secret; those of an earlier, interrupted run are marked."""
    begun = turn.store.begun
    width = max(map(len, names), default=0)
    return [
        f"{name:<{width}}  {kinds.of(name).effect}" + (" (begun by an earlier run)" if name in begun else "")
        for name in names
    ]


@command.command("rotate", epilog="Exit codes: 0 done, 1 failure (type the same again to continue), 2 bad input.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@INVENTORY
@click.option("--all", "every", is_flag=True, help="Change every secret that can be changed.")
@click.option(
    "--list", "only_list", is_flag=True, help="Show the secrets and what a change of each does; change nothing."
)
@click.option("--due", is_flag=True, help="Change those that are old enough; for a timer (`secrets timer`).")
@click.option(
    "--at-once", is_flag=True, help="Do not wait for what an old key has signed to end: for one that was stolen."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--linear", is_flag=True, help="Ansible's own strategy, without the mitogen accelerator.")
@click.option("--ask-vault-pass", is_flag=True, help="Ask for the password of ansible-vault.")
@click.option("--vault-password-file", metavar="FILE", help="File with the password of ansible-vault.")
def rotate_command(
    names: tuple[str, ...],
    inventory: str | None,
    every: bool,
    only_list: bool,
    due: bool,
    at_once: bool,
    yes: bool,
    linear: bool,
    ask_vault_pass: bool,
    vault_password_file: str | None,
) -> None:
    """Replace secrets by new ones, on the hosts as well.

    The plan is shown first. The old secrets stay under secrets/replaced/ with the date; make a new escrow afterwards.
    After an interruption, type the same again to continue. A DKIM key takes two runs: the first generates a key under a
    new selector to publish, the second signs with it once the DNS has it.

    \b
    Example:
      sudo ./malleposte secrets rotate -i inventories/standalone --list
      sudo ./malleposte secrets rotate -i inventories/standalone ldap-dovecot rspamd-write
      sudo ./malleposte secrets rotate -i inventories/standalone --all
      sudo ./malleposte secrets rotate -i inventories/standalone sso-signing --at-once
    """
    turn = rotation(inventory, linear, Vault(vault_password_file, ask_vault_pass))
    if (bool(names), every, due).count(True) > 1:
        raise InputError("names, --all and --due exclude each other", "give one of them")
    asked = turn.due(datetime.now(UTC).date()) if due else turn.every() if every or (only_list and not names) else names
    if due and not asked:
        click.echo("nothing is due")
        return
    if not asked and not turn.store.begun:
        raise InputError("no secret was named", kinds.ROTATABLE)
    chosen = turn.chosen(asked)
    for line in plan_lines(turn, chosen):
        click.echo(line)
    if only_list:
        for line in turn.to_retire():
            click.echo(line)
        return
    if not yes:
        click.confirm(f"Change {len(chosen)} secrets?", abort=True, err=True)
    for line in turn.run(chosen, at_once=at_once):
        click.echo(line)
    click.echo("done; the old ones are in secrets/replaced/. Make a new escrow (`secrets export`), and run `probe`")


@command.command("retire")
@click.argument("name")
@INVENTORY
@click.option("--linear", is_flag=True, help="Ansible's own strategy, without the mitogen accelerator.")
def retire_command(name: str, inventory: str | None, linear: bool) -> None:
    """Retire an old key that a rotation left in use: a DKIM key, or a digest key of NUMENs.

    Refused while digests of the key are in the directory, and for the key that signs. Its file is kept under
    secrets/replaced/.

    \b
    Example:
      sudo ./malleposte secrets retire dkim-mp1-ac-exemple.test
    """
    rotation(inventory, linear, Vault()).retire(name)
    click.echo(f"{name} is out of use; its file is in secrets/replaced/")


@command.command("timer")
@INVENTORY
@click.option("--off", is_flag=True, help="Remove it.")
@click.option("--vault-password-file", metavar="FILE", help="File with the password of ansible-vault.")
def timer_command(inventory: str | None, off: bool, vault_password_file: str | None) -> None:
    """Install a systemd timer on this machine that changes secrets when they are due, or remove it.

    Each night it runs `secrets rotate --due`: the key that signs tokens of the log-in page is changed once a year.
    After a failure it tries again the next night. The path `signing-key` of the probe fails when the key was not
    changed in time.

    \b
    Example:
      sudo ./malleposte secrets timer -i inventories/mine
      sudo ./malleposte secrets timer -i inventories/mine --off
    """
    installed = timer.Timer(paths.inventory(inventory), vault_password_file)
    if off:
        installed.remove()
        click.echo(f"{installed.name}.timer is removed")
    else:
        installed.install()
        click.echo(
            f"{installed.name}.timer runs each night; `systemctl status {installed.name}.service` shows its last run"
        )
