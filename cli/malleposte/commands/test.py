"""`malleposte test`."""

import json
from dataclasses import asdict

import click

from malleposte import bringup, gate
from malleposte.errors import ExitCode
from malleposte.progress import Progress, duration


@click.command("test")
@click.argument("tiers", nargs=-1, type=click.Choice(gate.TIERS))
@click.option("--full", is_flag=True, help="The long tests too: crash loops, big moves, benchmarks.")
@click.option("-k", "expression", metavar="EXPRESSION", help="Only the tests that match, as pytest's -k.")
@click.option("--keep-going", is_flag=True, help="Run the later tiers even when one fails.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome of each tier as JSON at the end.")
def command(tiers: tuple[str, ...], full: bool, expression: str | None, keep_going: bool, as_json: bool) -> int:
    """Run the tests: lint, unit, architecture, molecule, stack, browser.

    All tiers by default, cheapest first, up to the first that fails. The tiers stack and browser bring the
    lab up and deploy it, or put it back to its snapshot "converged"; what was done in the lab by hand since
    is lost.

    \b
    Example:
      sudo ./malleposte test
      ./malleposte test lint unit
      sudo ./malleposte test stack -k postfix
    """
    progress = Progress()
    chosen = tiers or gate.TIERS
    outcomes = list(
        gate.run(
            chosen,
            progress,
            full=full,
            expression=expression,
            keep_going=keep_going,
            prepare=bringup.Preparation(progress).prepare,
        )
    )
    if as_json:
        click.echo(json.dumps([asdict(outcome) for outcome in outcomes], indent=2))
    else:
        for line in gate.closing_report(outcomes):
            click.echo(line)
    progress.say(f"{len(outcomes)} tiers in {duration(progress.elapsed)}")
    return ExitCode.DONE if all(outcome.ok for outcome in outcomes) else ExitCode.FAILURE
