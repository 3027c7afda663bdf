"""`malleposte upgrade`."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import click

from malleposte.check import run as checking
from malleposte.commands import backup
from malleposte.commands.options import INVENTORY
from malleposte.commands.probe import walker
from malleposte.core import paths
from malleposte.core.errors import ExitCode, InputError, MallepostError
from malleposte.core.progress import Progress, duration
from malleposte.dev.lab import Lab
from malleposte.fleet import playbook
from malleposte.fleet.site import Site, Vault
from malleposte.upgrade import plan, run
from malleposte.watch.work import silenced

SNAPSHOT = "before-upgrade"


def protector(inventory: Path, site: Site, steps: Sequence[plan.Step], no_backup: bool) -> Callable[[str], str]:
    """Return the function that saves a host's state: the lab's snapshot, else a backup; it tells how to go back.

    Raises InputError where there is neither, unless that is asked for.
    """
    old = {step.host: run.downgrade(step) for step in steps}

    def snapshot(host: str) -> str:
        lab = Lab.load(inventory)
        lab.snapshot(SNAPSHOT, [host], replace=True)
        return f"malleposte lab --prefix {lab.settings.prefix} restore {SNAPSHOT} {host}"

    def back_up(host: str) -> str:
        words = ["run", "-i", str(inventory), "--host", host]
        if backup.command.main(args=words, prog_name="malleposte backup", standalone_mode=False) != ExitCode.DONE:
            raise MallepostError(f"{host}: no backup could be made; nothing was upgraded", "see above, or --no-backup")
        return f"on {host}, {old[host]}; its data of before are in the backups (`malleposte backup list`)"

    if no_backup:
        return lambda host: f"on {host}, {old[host]}"
    if any("lab_prefix" in site.variables(host) for host in site.members("all")):
        return snapshot
    if "run" not in backup.command.commands:
        raise InputError("this version has no `malleposte backup run`", "make a backup, then give --no-backup")
    return back_up


def table(steps: Sequence[plan.Step]) -> list[str]:
    """A line a package; what must be done by hand says so."""
    rows = [(step.host, one, "") for step in steps for one in step.packages]
    rows += [(step.host, one, "  by hand: read its release notes") for step in steps for one in step.by_hand]
    if not rows:
        return ["nothing to upgrade"]
    hosts = max(len(host) for host, _, _ in rows)
    names = max(len(one.name) for _, one, _ in rows)
    return [
        f"{host:<{hosts}}  {one.name:<{names}}  {one.installed} -> {one.candidate}{note}" for host, one, note in rows
    ]


@click.command("upgrade")
@INVENTORY
@click.option("--limit", metavar="HOSTS", help="Only these hosts or groups.")
@click.option("--list", "only_list", is_flag=True, help="Show what would be upgraded; upgrade nothing.")
@click.option("--no-backup", is_flag=True, help="Make neither a snapshot (lab) nor a backup before each host.")
@click.option("--linear", is_flag=True, help="Ansible's own strategy, without the mitogen accelerator.")
@click.option("--ask-vault-pass", is_flag=True, help="Ask for the password of ansible-vault.")
@click.option("--vault-password-file", metavar="FILE", help="File with the password of ansible-vault.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; progress goes to stderr.")
@click.option("--detailed-exitcode", is_flag=True, help="With --list, exit 10 when there is something to upgrade.")
def command(
    inventory: str | None,
    limit: str | None,
    only_list: bool,
    no_backup: bool,
    linear: bool,
    ask_vault_pass: bool,
    vault_password_file: str | None,
    as_json: bool,
    detailed_exitcode: bool,
) -> int:
    """Upgrade the daemons that unattended-upgrades leaves alone.

    Hosts are upgraded one at a time, beginning with those on which the fewest others depend. The steps for each are a
    snapshot or a backup, the packages, the daemons' own checks before they restart, a deploy of that host, the probe.
    It stops at the first failure and prints the way back; typed again it continues from there.

    \b
    Example:
      sudo ./malleposte upgrade -i inventories/standalone --list
      sudo ./malleposte upgrade -i inventories/standalone --limit vault
    """
    where = paths.inventory(inventory)
    vault = Vault(vault_password_file, ask_vault_pass)
    site = Site(where, vault)
    steps = plan.steps(site, limit)
    if only_list:
        document = {"hosts": {step.host: step.as_dict() for step in steps}}
        click.echo(json.dumps(document, indent=2) if as_json else "\n".join(table(steps)))
        return ExitCode.CHANGES if detailed_exitcode and any(step.packages for step in steps) else ExitCode.DONE
    progress = Progress()
    # Held before the hosts are asked, so that a second run is refused at once.
    with playbook.holding(where):
        checking.gate(where, progress.say, limit=limit, vault=vault)
        for line in table(steps):
            click.echo(line, err=as_json)
        ask: tuple[str, ...] = ("--ask-vault-pass",) if ask_vault_pass else ()
        ask += ("--vault-password-file", vault_password_file) if vault_password_file else ()
        protect = protector(where, site, steps, no_backup)
        quiet = partial(silenced, where, "an upgrade", progress.say)
        upgrade = run.Upgrade(where, progress, protect, walker(where), linear, as_json, ask, quiet)
        done = upgrade.run(steps)
    if as_json:
        click.echo(json.dumps({"ok": True, "hosts": done.hosts, "seconds": round(progress.elapsed, 1)}, indent=2))
    else:
        upgraded = ", ".join(done.hosts) or "no host"
        click.echo(f"{upgraded} upgraded in {duration(progress.elapsed)}")
    return ExitCode.DONE
