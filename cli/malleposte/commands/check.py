"""`malleposte check`."""

import click

from malleposte.check import run, secrets
from malleposte.check.findings import Level
from malleposte.commands.options import INVENTORY, answer
from malleposte.core import paths
from malleposte.fleet.site import Vault

COLOURS = {Level.WRONG: "red", Level.FAILING: "red", Level.WARNING: "yellow", Level.NOTE: None}


@click.command("check")
@INVENTORY
@click.option("--offline", is_flag=True, help="Look at the inventory alone; ask no host.")
@click.option("--limit", metavar="HOSTS", help="Ask only these hosts or groups.")
@click.option("--ask-vault-pass", is_flag=True, help="Ask for the password of ansible-vault.")
@click.option("--vault-password-file", metavar="FILE", help="File with the password of ansible-vault.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    inventory: str | None,
    offline: bool,
    limit: str | None,
    ask_vault_pass: bool,
    vault_password_file: str | None,
    as_json: bool,
) -> int:
    """Find what is wrong with an inventory and its hosts.

    Nothing is changed, neither here nor on a host. One line a finding, with file, line and key. `deploy` does the same
    before it begins.

    \b
    Exit codes: 0 nothing wrong, 1 a host is not fit, 2 the inventory is refused. Warnings and notes change nothing.

    \b
    Example:
      ./malleposte check -i inventories/standalone
      ./malleposte check -i inventories/standalone --offline
    """
    vault = Vault(vault_password_file, ask_vault_pass)
    # Without a host asked, and before there are secrets, nothing of root's is needed.
    where = paths.inventory(inventory, secrets=False)
    if not offline or (paths.folder_of(where) / secrets.FOLDER).exists():
        where = paths.inventory(inventory)
    report = run.check(where, online=not offline, limit=limit, vault=vault)
    lines = [click.style(one.text(), fg=COLOURS[one.level]) for one in report.findings]
    answer(report.as_dict(), [*lines, report.summary()], as_json=as_json, indent=2)
    return report.code
