"""`malleposte deploy`."""

import contextlib
import json
from functools import partial

import click

from malleposte.check import run as checking
from malleposte.commands.options import INVENTORY
from malleposte.commands.probe import walker
from malleposte.core import paths
from malleposte.core.errors import ExitCode, InputError, MallepostError
from malleposte.core.progress import Progress
from malleposte.fleet import playbook
from malleposte.fleet.site import Site, Vault
from malleposte.upgrade import plan
from malleposte.upgrade.rolling import Rolling
from malleposte.watch.work import silenced


def complain(line: str) -> None:
    """Say it beside the report."""
    click.echo(line, err=True)


def document(rolling: Rolling, fault: MallepostError | None = None) -> str:
    """The JSON of a rolling deploy: the report of each host that was deployed, and the fault that ended it."""
    content: dict[str, object] = {"ok": fault is None}
    if fault is not None:
        content |= {"error": fault.message, "hint": fault.hint, "exit_code": fault.exit_code}
    content["hosts"] = {host: report.as_dict() for host, report in rolling.reports.items()}
    return json.dumps(content, indent=2, ensure_ascii=False)


def host_by_host(options: playbook.Options, vault: Vault, as_json: bool) -> int:
    """Deploy one host after the other; return the number of changes. Raises MallepostError at the first failure."""
    hosts = list(plan.ordered(Site(options.inventory, vault), options.limit))
    progress = Progress()
    quiet = partial(silenced, options.inventory, "a deploy", progress.say)
    rolling = Rolling(options, progress, walker(options.inventory), as_json, quiet)
    try:
        rolling.run(hosts)
    except MallepostError as error:
        error.told = as_json
        if as_json:
            click.echo(document(rolling, error))
        raise
    if as_json:
        click.echo(document(rolling))
    return sum(report.changed for report in rolling.reports.values())


def at_once(options: playbook.Options, as_json: bool) -> int:
    """Deploy all hosts in one run; return the number of changes. Raises MallepostError when it failed."""
    quiet = silenced(options.inventory, "a deploy", complain, options.limit)
    with contextlib.nullcontext() if options.check else quiet:
        report = playbook.run(options, to_stderr=as_json)
    if as_json:
        click.echo(json.dumps(report.as_dict(), indent=2, ensure_ascii=False))
    else:
        click.echo(f"log {paths.shown(report.log)}")
    try:
        playbook.ensure(report, "deploy")
    except MallepostError as error:
        error.told = as_json
        raise
    return report.changed


@click.command("deploy", epilog="Exit codes: 0 done, 1 failure, 2 bad input, 10 changes (with --detailed-exitcode).")
@INVENTORY
@click.option("--check", is_flag=True, help="Show what would change; change nothing.")
@click.option("--diff", is_flag=True, help="Show what changes inside files.")
@click.option("--limit", metavar="HOSTS", help="Only these hosts or groups.")
@click.option("--rolling", is_flag=True, help="One host after the other, the probe between; stop at the first failure.")
@click.option("--tags", metavar="TAGS", help="Only tasks with these tags (each role bears its own name).")
@click.option("--skip-tags", metavar="TAGS", help="Not the tasks with these tags.")
@click.option("-e", "--extra-vars", "extra", multiple=True, metavar="VAR=VALUE", help="Set a variable.")
@click.option("--linear", is_flag=True, help="Ansible's own strategy, without the mitogen accelerator.")
@click.option("--ask-vault-pass", is_flag=True, help="Ask for the password of ansible-vault.")
@click.option("--vault-password-file", metavar="FILE", help="File with the password of ansible-vault.")
@click.option("--force", is_flag=True, help="Go on although the check finds faults; they are shown all the same.")
@click.option("-v", "--verbose", count=True, help="Show each change; more with -vv, -vvv.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON; progress goes to stderr.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 10 when something changed (or would, with --check).")
def command(
    inventory: str | None,
    check: bool,
    diff: bool,
    limit: str | None,
    rolling: bool,
    tags: str | None,
    skip_tags: str | None,
    extra: tuple[str, ...],
    linear: bool,
    ask_vault_pass: bool,
    vault_password_file: str | None,
    force: bool,
    verbose: int,
    as_json: bool,
    detailed_exitcode: bool,
) -> int:
    """Converge the hosts of an inventory.

    The inventory and its hosts are checked first (`malleposte check`); a fault found there ends it before anything
    is changed. A second run changes nothing. The full account of a run is kept in var/log/.

    With --rolling the hosts of the platform are deployed one at a time, beginning with those on which the fewest others
    depend, and the whole probe runs before the first and after each.

    \b
    Example:
      sudo ./malleposte deploy
      sudo ./malleposte deploy -i inventories/standalone --check
      sudo ./malleposte deploy --limit mail1 --tags postfix -v
      sudo ./malleposte deploy --rolling --limit vault
    """
    if rolling and check:
        raise InputError("--rolling and --check do not go together", "nothing changes that a probe could look at")
    where = paths.inventory(inventory)
    vault = Vault(vault_password_file, ask_vault_pass)
    ask: tuple[str, ...] = ("--ask-vault-pass",) if ask_vault_pass else ()
    if vault_password_file:
        ask += ("--vault-password-file", vault_password_file)
    options = playbook.Options(
        inventory=where,
        check=check,
        diff=diff,
        limit=limit,
        tags=tags,
        skip_tags=skip_tags,
        extra=extra,
        linear=linear,
        verbose=verbose,
        ask=ask,
    )
    # Held before the hosts are asked, so that a second run is refused at once.
    with playbook.holding(where):
        checking.gate(where, complain, limit=limit, vault=vault, force=force)
        changed = host_by_host(options, vault, as_json) if rolling else at_once(options, as_json)
    return ExitCode.CHANGES if detailed_exitcode and changed else ExitCode.DONE
