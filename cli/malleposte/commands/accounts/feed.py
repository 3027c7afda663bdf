"""`malleposte accounts plan|apply|import`: the files of the HR systems against the directory."""

from __future__ import annotations

import itertools
import json
import time
from pathlib import Path
from typing import Any

import click

from malleposte import paths, remote
from malleposte.accounts import acts, changes, here, journal, lines, run
from malleposte.accounts.apply import Outcome
from malleposte.accounts.feed import columns, table
from malleposte.accounts.settings import Settings
from malleposte.commands.accounts.shared import AS_JSON, GROUP, INVENTORY, Meter, emit, read_bytes, write_private
from malleposte.errors import ExitCode, InputError, MallepostError
from malleposte.lists import feed as list_feed
from malleposte.progress import duration

SHOWN = 20
COLUMNS = click.option(
    "--columns",
    "mapping",
    metavar="FILE",
    callback=lambda _context, _option, path: columns.read_mapping(Path(path)) if path else {},
    help="YAML: a known column to the feed's own title.",
)
FORCE = click.option("--force-departures", is_flag=True, help="Suspend them even when they are too many to be usual.")
REJECTS = click.option(
    "--rejects", type=click.Path(path_type=Path), metavar="FILE", help="Refused rows (default: beside the feed)."
)


def planned(inventory: str | None, feed: Path, mapping: dict[str, str], name: str | None = None) -> run.Planned:
    """A plan of a feed, made here on a host, over ssh on the controller."""
    content, shown = read_bytes(feed, table.MOST_BYTES), name or feed.name
    if paths.HOSTED:
        return run.make_plan(content, shown, mapping, Settings.read(), {columns.LIST: list_feed.plan})
    words = ["accounts", "plan", "-", "--name", shown, "--whole"]
    if mapping:
        words += ["--mapping", json.dumps(mapping)]
    answer, found = lines.opened(remote.one(paths.inventory(inventory), GROUP).printed(words, content), shown)
    return run.Planned(changes.read(answer["plan"], shown, found), answer["rejects"])


def applied(inventory: str | None, made: changes.Plan, *, force: bool, quiet: bool) -> dict[str, Any]:
    """What became of a plan: `done`, `already`, `skipped` (uid, reason), `failures` (of doors), `seconds`."""
    if paths.HOSTED:
        begun, settings = time.monotonic(), Settings.read()
        outcome = run.apply_plan(made, settings, Meter(quiet=quiet), force_departures=force)
        failures = followed(settings, made, outcome)
        return summary(outcome, failures, time.monotonic() - begun)
    words = ["accounts", "apply", "-", "--json", *(["--force-departures"] if force else [])]
    place = remote.one(paths.inventory(inventory), GROUP)
    answer: dict[str, Any] = place.exchange(words, made.render().encode(), also=(ExitCode.FAILURE,))
    return answer


def followed(settings: Settings, made: changes.Plan, outcome: Outcome) -> list[str]:
    """Shut the doors on who has left, carry filters to another class; what failed, a line each."""
    skipped = {one.change.dn for one in outcome.skipped}
    kinds = (changes.Kind.SUSPEND, changes.Kind.RESUME, changes.Kind.MODIFY)
    done = [one for one in made.changes if one.kind in kinds and one.dn not in skipped]
    if not done:
        return []
    with here.tools(settings) as tools:
        return [str(failure) for failure in acts.follow_up(tools, done)]


def summary(outcome: Outcome, failures: list[str], seconds: float) -> dict[str, Any]:
    """An outcome as JSON."""
    skipped = [{"uid": one.change.uid, "kind": str(one.change.kind), "reason": one.reason} for one in outcome.skipped]
    return {
        "done": outcome.done, "already": outcome.already, "skipped": skipped, "failures": failures,
        "seconds": round(seconds, 1),
    }  # fmt: skip


def show(made: changes.Plan) -> None:
    """A plan for a person."""
    click.echo(f"{made.feed}: {made.unchanged} unchanged, {made.rejected} refused")
    for kind, count in made.counts().items():
        click.echo(f"  {kind:<8} {count:>6}")
    if made.departures.leaving:
        mark = ", more than usual: apply will refuse without --force-departures" if made.departures.too_many else ""
        click.echo(f"  departures: {made.departures.percent:.1f} % of {made.departures.known}{mark}")
    if made.held_back:
        click.echo(f"  not suspended, their row may be among the refused: {', '.join(made.held_back[:SHOWN])}")
    for change in made.changes[:SHOWN]:
        click.echo(f"  {change.kind:<8} {change.uid:<24} {told(change)}")
    if len(made.changes) > SHOWN:
        click.echo(f"  … and {len(made.changes) - SHOWN} more")


def told(change: changes.Change) -> str:
    """A change in a few words: the address and the name of what is new, else what becomes of each attribute."""
    note = f" ({change.note})" if change.note else ""
    if change.is_new:
        named = change.after.get("cn") or change.after.get("o") or [""]
        return f"{' '.join(change.after.get('mail', []))} {named[0]}{note}".strip()
    kept = {name: values for name, values in change.after.items() if name.lower() not in journal.SECRET}
    words = [f"{name}: {_few(change.before.get(name, []))} → {_few(values)}" for name, values in kept.items()]
    return "; ".join(words) + note


def _few(values: list[str]) -> str:
    return ", ".join(values) or "nothing"


def keep_rejects(found: run.Planned, feed: Path, given: Path | None) -> Path | None:
    """Write the file of refused rows; its path, None when there is none."""
    if not found.rejects:
        return None
    path = given or (Path("rejects.csv") if str(feed) == "-" else feed.with_name(f"{feed.stem}.rejects.csv"))
    write_private(path, found.rejects)
    click.echo(f"{path}: {found.plan.rejected} refused rows and why", err=True)
    return path


@click.command("plan")
@click.argument("feed", type=click.Path(path_type=Path), metavar="FILE")
@INVENTORY
@COLUMNS
@REJECTS
@click.option("--out", type=click.Path(path_type=Path), metavar="PLAN", help="Keep the plan for `accounts apply`.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 10 when there are changes.")
@AS_JSON
@click.option("--name", hidden=True, help="The feed's name in messages.")
@click.option("--mapping", "given", hidden=True, help="The mapping itself, as JSON.")
@click.option("--whole", is_flag=True, hidden=True, help="Print plan and refused rows as one JSON document.")
def plan_command(
    feed: Path, inventory: str | None, mapping: dict[str, str], rejects: Path | None, out: Path | None,
    detailed_exitcode: bool, as_json: bool, name: str | None, given: str | None, whole: bool,
) -> int:  # fmt: skip
    """Show what a feed would change, and change nothing.

    Agents need the columns NUMEN, Nom and Prénom; schools UAI and Dénomination; distribution lists Liste. Refused rows
    go to a file with their reasons.

    \b
    Example:
      sudo ./malleposte accounts plan agents.csv --out plan.json
      sudo ./malleposte accounts plan agents.xlsx --columns colonnes.yml --json
    """
    found = planned(inventory, feed, json.loads(given) if given else mapping, name)
    if whole:
        emit(itertools.chain(['{"rejects": ', json.dumps(found.rejects), ', "plan": '], found.plan.pieces(), ["}\n"]))
        return ExitCode.DONE
    keep_rejects(found, feed, rejects)
    if out:
        write_private(out, found.plan.pieces())
    emit(found.plan.pieces()) if as_json else show(found.plan)
    return ExitCode.CHANGES if detailed_exitcode and found.plan.changes else ExitCode.DONE


def tell(answer: dict[str, Any], *, as_json: bool) -> int:
    """Print what became of a plan; 1 when something was skipped."""
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
    else:
        rate = answer["done"] / answer["seconds"] if answer["seconds"] else 0
        speed = f" in {duration(answer['seconds'])}, {rate:.0f} a second" if answer["seconds"] >= 1 else ""
        click.echo(f"{answer['done']} done{speed}, {answer['already']} done before, {len(answer['skipped'])} skipped")
        for one in answer["skipped"][:SHOWN]:
            click.echo(f"  {one['kind']:<8} {one['uid']:<24} {one['reason']}")
        for line in answer["failures"][:SHOWN]:
            click.echo(f"  failed   {line}")
    return ExitCode.FAILURE if answer["skipped"] or answer["failures"] else ExitCode.DONE


@click.command("apply")
@click.argument("plan", type=click.Path(path_type=Path), metavar="PLAN")
@INVENTORY
@FORCE
@AS_JSON
def apply_command(plan: Path, inventory: str | None, force_departures: bool, as_json: bool) -> int:
    """Apply a plan.

    An entry that is no longer as the plan saw it is skipped with the reason (exit code 1); what is done already is
    recognised, so that an interrupted apply is simply run again.

    \b
    Example:
      sudo ./malleposte accounts apply plan.json
      sudo ./malleposte accounts apply plan.json --force-departures --json
    """
    made = lines.parse(read_bytes(plan, changes.MOST_BYTES), str(plan))
    return tell(applied(inventory, made, force=force_departures, quiet=False), as_json=as_json)


@click.command("import")
@click.argument("feed", type=click.Path(path_type=Path), metavar="FILE")
@INVENTORY
@COLUMNS
@REJECTS
@FORCE
@click.option("--yes", is_flag=True, help="Do not ask.")
@AS_JSON
def import_command(
    feed: Path, inventory: str | None, mapping: dict[str, str], rejects: Path | None, force_departures: bool,
    yes: bool, as_json: bool,
) -> int:  # fmt: skip
    """Plan a feed, show the plan, ask, apply it.

    \b
    Example:
      sudo ./malleposte accounts import agents.csv
      sudo ./malleposte accounts import ecoles.xlsx --yes --json
    """
    if str(feed) == "-" and not yes:
        raise InputError("a feed from standard input leaves nobody to ask", "add --yes")
    found = planned(inventory, feed, mapping)
    keep_rejects(found, feed, rejects)
    if not as_json:
        show(found.plan)
    if found.plan.changes and not yes and not click.confirm("Apply?", err=True):
        raise MallepostError("nothing was changed")
    return tell(applied(inventory, found.plan, force=force_departures, quiet=as_json), as_json=as_json)
