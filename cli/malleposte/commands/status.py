"""`malleposte status`: what is wrong now, since when, and what to do."""

from __future__ import annotations

import json

import click

from malleposte.commands.away import EachHostCommand
from malleposte.commands.options import AS_JSON
from malleposte.core.errors import ExitCode
from malleposte.core.loops import reason
from malleposte.watch import silence, status


class StatusCommand(EachHostCommand):
    """One on every host of the platform."""

    host_group = "malleposte"


@click.command(
    "status",
    cls=StatusCommand,
    epilog="Exit codes: 0 nothing is wrong, 1 something is, 4 a host was not reached or something could not be looked "
    "at. With --nagios: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.",
)
@AS_JSON
@click.option("--nagios", is_flag=True, help="Print one line and exit as a plugin of Nagios does.")
@click.option("--silence", "minutes", type=click.IntRange(0, 24 * 60), help="Silence the alarms of a host for minutes.")
@click.option("--reason", "why", default="work", show_default=True, help="The reason of the silence.")
@click.pass_context
def command(context: click.Context, as_json: bool, nagios: bool, minutes: int | None, why: str) -> None:
    """Print what is wrong now, since when, and what to do.

    Each fault stands with its alarm: `page` calls a person at any hour, `ticket` waits for working hours. The line
    below it is the place in docs/watch.md that says what to do. What could not be looked at is named. Silenced faults
    are shown; their notes end by themselves, those of --silence too (0 ends them at once). On the controller, every
    host is asked over ssh.

    \b
    Example:
      sudo ./malleposte status
      sudo ./malleposte status --host mail1 --json
      sudo ./malleposte status --host mail1 --silence 30
      malleposte status --nagios
    """
    blind: list[str] = []
    if minutes is not None:
        silence.put([silence.ALL], minutes * 60, why)
        click.echo(f"the alarms of this host are silent for {minutes} minutes" if minutes else "alarms ring again")
        return
    if nagios:
        try:
            rows = status.here(blind.append)
        except Exception as error:  # noqa: BLE001  # a plugin says whatever keeps it from looking, and exits 3
            rows, blind = [], [reason(error)]
        code, line = status.plugin(rows, blind)
        click.echo(line)
        context.exit(code)
    rows = status.here(blind.append)
    if as_json:
        document = {"faults": [row.as_dict() for row in rows], "not_looked_at": blind}
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        for line in [*status.table(rows), *(f"not looked at: {line}" for line in blind)]:
            click.echo(line)
    context.exit(ExitCode.PARTLY if blind else ExitCode.FAILURE if rows else ExitCode.DONE)
