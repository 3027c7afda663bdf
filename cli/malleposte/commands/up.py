"""`malleposte up`."""

import json
import os
import shlex
import sys
from pathlib import Path

import click

from malleposte.commands.options import ENV_INVENTORY, INVENTORY_WORDS
from malleposte.core import paths
from malleposte.core.errors import ExitCode, MallepostError
from malleposte.core.progress import Progress, duration
from malleposte.dev.bringup import BringUp
from malleposte.probe import report
from malleposte.probe.model import Result


def typed(inventory: Path) -> str:
    """The option that names an inventory in a shell of its own, with a space before it; none for the embedded lab."""
    if inventory == paths.LAB_INVENTORY and not os.environ.get(ENV_INVENTORY):
        return ""
    shipped = inventory.parent == paths.ROOT / "inventories"
    return f" -i {inventory.name if shipped else shlex.quote(str(inventory))}"


def where_to_look(up: BringUp) -> list[str]:
    """The lines that tell what to do next, each with the inventory of the lab that was made."""
    option = typed(up.lab.deploy_inventory)
    commands = [
        (f"sudo ./malleposte lab{option} accounts", "log-ins and passwords of the sample agents"),
        (f"sudo ./malleposte lab{option} ssh mail1", "enter a host; its journal tells all"),
        (f"sudo ./malleposte probe{option}", "test every path again"),
        (f"sudo ./malleposte lab{option} down", "put everything away"),
        ("docs/operate.md", "the operator's guide"),
    ]
    width = max(len(words) for words, _ in commands) + 4
    hosts = [f"  {spec.name:<8} {spec.address}" for spec in up.lab.inventory.hosts]
    return ["", "hosts", *hosts, "", *(f"{words:<{width}}{use}" for words, use in commands)]


@click.command("up")
@click.option("-i", "--inventory", **INVENTORY_WORDS)
@click.option("--linear", is_flag=True, help="Ansible's own strategy, without the mitogen accelerator.")
@click.option("--no-probe", is_flag=True, help="Stop before the probe.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON; progress goes to stderr.")
def command(inventory: str | None, linear: bool, no_probe: bool, as_json: bool) -> None:
    """Build the lab, deploy it, create sample accounts, check that mail flows.

    A first backup is made before that check. Typed again it resumes after the last completed step.

    \b
    Example:
      sudo ./malleposte up
      sudo ./malleposte up -i fleet         the lab of the platform split over hosts
    """
    progress = Progress()
    up = BringUp(progress, inventory=paths.inventory(inventory), linear=linear, to_stderr=as_json)
    up.hosts()
    up.converge()
    up.seed()
    up.back_up()
    out = sys.stderr if as_json else sys.stdout

    def show(result: Result) -> None:
        if not up.done.probe[1:]:
            click.echo(report.heading(), file=out)
        name, status, rest = report.row(result)
        click.echo(name + click.style(status, fg=report.MARKS[result.status]) + rest, file=out)

    if not no_probe:
        up.walk(show)
        click.echo(report.summary(up.done.probe), file=out)
    if as_json:
        click.echo(json.dumps({**up.done.as_dict(), "total": round(progress.elapsed, 2)}, indent=2))
    else:
        for line in where_to_look(up):
            click.echo(line)
        click.echo(f"total time {duration(progress.elapsed)}")
    if up.done.backup:
        raise MallepostError(f"the first backup failed: {'; '.join(up.done.backup)}", "then: malleposte backup run")
    if not no_probe and up.done.probe_code != ExitCode.DONE:
        raise MallepostError("the probe found paths that do not work", "see its table above")
