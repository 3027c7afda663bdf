"""`malleposte test`."""

import json
from dataclasses import asdict

import click

from malleposte.core.errors import ExitCode
from malleposte.core.progress import Progress, duration
from malleposte.dev import bringup, gate, selection
from malleposte.dev.checks import TIERS, Plan, usual


@click.command("test")
@click.argument("tiers", nargs=-1, type=click.Choice(TIERS))
@click.option("--full", is_flag=True, help="The long tests too: crash loops, big moves, benchmarks.")
@click.option("-k", "expression", metavar="EXPRESSION", help="Only the tests that match, as pytest's -k.")
@click.option("--keep-going", is_flag=True, help="Run the later tiers and lanes even when one fails.")
@click.option("--changed", is_flag=True, help="Only the tests that concern what the working tree changes against main.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome of each tier as JSON at the end.")
def command(
    tiers: tuple[str, ...], full: bool, expression: str | None, keep_going: bool, changed: bool, as_json: bool
) -> int:
    """Run the tests: lint, unit, architecture, molecule, stack, browser.

    The tier fleet runs by its name, or with --full. All others run by default, cheapest first, up to the first that
    fails. The tiers stack and browser bring the lab up and deploy it, or put it back to its snapshot "converged";
    later changes by hand are lost. The tier fleet does the same with the lab of inventories/fleet. The other tiers run
    meanwhile. The end of the output lists the slowest test files, and those that take more than their budget
    (tests/budgets.json).

    --changed finds tests by names and imports, and lists its choice. It is for work in progress and does not
    replace a complete run.

    \b
    Example:
      sudo ./malleposte test
      ./malleposte test lint unit
      sudo ./malleposte test stack -k postfix
      sudo ./malleposte test fleet
      sudo ./malleposte test --changed
    """
    progress = Progress()
    plan = Plan(tiers or usual(full), full=full, expression=expression, keep_going=keep_going)
    if changed:
        plan.files = selection.choose(progress.say)
        plan.tiers = [tier for tier in plan.tiers if tier == "lint" or (tier != "molecule" and plan.checks(tier))]
    preparation = bringup.Preparation(progress)
    outcomes = list(gate.run(plan, progress, preparation.prepare, preparation.second))
    if as_json:
        click.echo(json.dumps([asdict(outcome) for outcome in outcomes], indent=2))
    else:
        for line in gate.closing_report(outcomes):
            click.echo(line)
    progress.say(f"{len(outcomes)} tiers in {duration(progress.elapsed)}")
    return ExitCode.DONE if all(outcome.ok for outcome in outcomes) else ExitCode.FAILURE
