"""`malleposte accounts plan|apply|import`: the files of the HR systems against the directory."""

from __future__ import annotations

import datetime
import itertools
import json
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from malleposte.accounts.feed import columns, table
from malleposte.accounts.plan import brakes, changes, run, show
from malleposte.accounts.plan import store as plans
from malleposte.accounts.plan.apply import Outcome
from malleposte.accounts.plan.changes import Kind
from malleposte.accounts.plan.show import SHOWN
from malleposte.accounts.settings import Settings
from malleposte.commands.accounts.options import confirm
from malleposte.commands.accounts.shared import GROUP, Meter, emit, read_bytes, write_private
from malleposte.commands.away import HostCommand, person
from malleposte.commands.options import AS_JSON, INVENTORY
from malleposte.commands.options import answer as shown
from malleposte.core import paths
from malleposte.core.errors import ExitCode, InputError
from malleposte.core.progress import duration
from malleposte.fleet import remote
from malleposte.groupware import rooms
from malleposte.lists import feed as list_feed
from malleposte.platform.times import local

_REJECTS = '\ufeff"ligne";"motif";'.encode()
"""The beginning of the name of a file of refused rows."""
COLUMNS = click.option(
    "--columns",
    "mapping",
    metavar="FILE",
    callback=lambda _context, _option, path: columns.read_mapping(Path(path)) if path else {},
    help="YAML file, where the feed's titles are others: lines such as `numen: Identifiant`, a known column to the"
    f" feed's own title. Known: {', '.join(columns.NAMES)}.",
)
RECASE = click.option("--recase", is_flag=True, help="Write names in capitals as French does: LE GOFF becomes Le Goff.")
ALL = click.option("--all", "whole_list", is_flag=True, help=f"Show every change, not the first {SHOWN} of a kind.")
FORCE = click.option(
    "--force",
    "forced",
    multiple=True,
    type=click.Choice([str(brake) for brake in brakes.Brake]),
    help="Make these changes even when they are too many to be usual. Can be given several times.",
)
FORCE_DEPARTURES = click.option("--force-departures", is_flag=True, help="The same as `--force departures`.")
REJECTS = click.option(
    "--rejects",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Refused rows and cells left out, in French for the sender (default: NAME.rejects.csv beside the feed).",
)


@dataclass(frozen=True)
class Planned:
    """A plan that the directory's host keeps: its id, counts, the refused rows, the text to print."""

    ident: str
    changes: int
    rejected: int
    left_out: int
    rejects: str
    text: Iterable[str] = ()

    def head(self) -> str:
        """All but the text as a line."""
        return json.dumps({name: value for name, value in vars(self).items() if name != "text"}) + "\n"


@dataclass(frozen=True)
class Wish:
    """The way to read a feed, and to print its plan."""

    name: str
    mapping: Mapping[str, str]
    recase: bool = False
    whole: bool = False
    as_json: bool = False

    def words(self) -> list[str]:
        """The same for the directory's host."""
        flags = {"--recase": self.recase, "--all": self.whole, "--json": self.as_json}
        mapping = ["--mapping", json.dumps(self.mapping)] if self.mapping else []
        return ["--name", self.name, *mapping, *(flag for flag, on in flags.items() if on)]


def planned(inventory: str | None, feed: Path, wish: Wish) -> Planned:
    """A plan of a feed, made here on a host, over ssh on the controller; the directory's host keeps it."""
    content = read_bytes(feed, table.MOST_BYTES)
    if not paths.HOSTED:
        place = remote.one(paths.inventory(inventory), GROUP)
        answer = place.printed(["accounts", "plan", "-", "--headed", *wish.words()], content)
        head, _, rest = answer.partition(b"\n")
        return Planned(**json.loads(head), text=(rest.decode(),))
    others = {columns.LIST: list_feed.plan, columns.ROOM: rooms.plan}
    settings = Settings.read()
    result = run.make_plan(content, wish.name, wish.mapping, settings, others, recase=wish.recase)
    new_plan = result.plan
    ident = plans.keep(new_plan, datetime.datetime.now(datetime.UTC))
    text = new_plan.pieces() if wish.as_json else texts(new_plan, settings, whole=wish.whole)
    return Planned(ident, len(new_plan.changes), new_plan.rejected, new_plan.left_out, result.rejects, text)


def texts(plan: changes.Plan, settings: Settings, *, whole: bool = False) -> Iterator[str]:
    """Yield the lines of a plan for a person, each with its end."""
    lines = show.lines(plan, run.school_names(settings), brakes.stops(plan, settings.brakes()), whole=whole)
    return (f"{line}\n" for line in lines)


def applied(name: str, *, forced: Collection[str], quiet: bool) -> dict[str, Any]:
    """The result of a plan: its id, `done`, `already`, `skipped` (uid, reason), `failures` (of channels), `seconds`."""
    begun, settings, plan = time.monotonic(), Settings.read(), plans.load(name)
    if run.removes(plan):
        from malleposte.accounts import here

        rules = here.rules_of(settings)
        outcome = run.remove_all(plan, settings, rules, here.tools, Meter(quiet=quiet), forced=forced)
        return summary(name, outcome, [], time.monotonic() - begun)
    outcome = run.apply_plan(plan, settings, Meter(quiet=quiet), forced=forced)
    failures = followed(settings, plan, outcome, Meter(quiet=quiet, what="sessions, agendas: "))
    return summary(name, outcome, failures, time.monotonic() - begun)


def followed(settings: Settings, plan: changes.Plan, outcome: Outcome, progress: Meter) -> list[str]:
    """Close the channels of departed accounts, move filters to another class; return the failures, a line each."""
    kinds = frozenset((Kind.SUSPEND, Kind.RESUME, Kind.MODIFY, Kind.PROFILE, Kind.WITHDRAW))
    if kinds.isdisjoint(outcome.kinds):
        return []
    skipped = {one.change.dn for one in outcome.skipped}
    done = [one for one in plan.changes if one.kind in kinds and one.dn not in skipped]
    if not done:
        return []
    from malleposte.accounts import acts, here  # they take longer to load than a feed without changes to judge

    with here.tools(settings) as tools:
        return [str(failure) for failure in acts.follow_up(tools, done, progress)]


def summary(ident: str, outcome: Outcome, failures: list[str], seconds: float) -> dict[str, Any]:
    """The outcome of a plan as JSON."""
    skipped = [{"uid": one.change.uid, "kind": str(one.change.kind), "reason": one.reason} for one in outcome.skipped]
    return {
        "plan": ident, "done": outcome.done, "already": outcome.already, "skipped": skipped, "failures": failures,
        "seconds": round(seconds, 1),
    }  # fmt: skip


def keep_rejects(plan: Planned, feed: Path, target: Path | None) -> Path | None:
    """Write the file of refused rows; its path, None when there is none. One of an earlier run goes away then."""
    path = target or (Path("rejects.csv") if str(feed) == "-" else feed.with_name(f"{feed.stem}.rejects.csv"))
    if not plan.rejects:
        if _is_rejects(path):
            path.unlink()
            click.echo(f"{path}: removed, nothing is refused any more", err=True)
        return None
    write_private(path, plan.rejects)
    less = f", {plan.left_out} cells left out of rows that are taken" if plan.left_out else ""
    click.echo(f"{path}: {plan.rejected} refused rows{less}, and why", err=True)
    return path


def _is_rejects(path: Path) -> bool:
    """Whether a file is one of refused rows, of this version or of one before: nothing else is removed."""
    try:
        with path.open("rb") as file:
            return file.read(len(_REJECTS)) == _REJECTS
    except OSError:
        return False


@click.command("plan")
@click.argument("feed", type=click.Path(path_type=Path), metavar="FILE")
@INVENTORY
@COLUMNS
@REJECTS
@RECASE
@ALL
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 10 when there are changes.")
@AS_JSON
@click.option("--name", hidden=True, help="The feed's name in messages.")
@click.option("--mapping", "mapping_text", hidden=True, help="The mapping itself, as JSON.")
@click.option("--headed", is_flag=True, hidden=True, help="Print first what the controller must know.")
def plan_command(
    feed: Path, inventory: str | None, mapping: dict[str, str], rejects: Path | None, recase: bool, whole_list: bool,
    detailed_exitcode: bool, as_json: bool, name: str | None, mapping_text: str | None, headed: bool,
) -> int:  # fmt: skip
    """Show what a feed would change, and change nothing.

    The plan stays on the directory's host for 30 days; its id is printed, for `accounts apply`. Agents need the
    columns NUMEN, Nom and Prénom; schools UAI and Dénomination; distribution lists Liste; rooms Ressource. Departures
    and renames are shown first. Refused rows go to a file with their reasons, and so do invalid optional cells, whose
    row is processed. Exit code 4 when rows were refused, 10 with --detailed-exitcode when there are changes.

    \b
    Example:
      sudo ./malleposte accounts plan agents.csv
      sudo ./malleposte accounts plan agents.csv --recase --all
      sudo ./malleposte accounts plan agents.xlsx --columns colonnes.yml --json
    """
    columns_of = json.loads(mapping_text) if mapping_text else mapping
    plan = planned(inventory, feed, Wish(name or feed.name, columns_of, recase, whole_list, as_json))
    if headed:
        emit(itertools.chain([plan.head()], plan.text))
        return ExitCode.DONE
    keep_rejects(plan, feed, rejects)
    emit(plan.text)
    if plan.changes:
        click.echo(f"to apply it: malleposte accounts apply {plan.ident}", err=True)
    if detailed_exitcode and plan.changes:
        return ExitCode.CHANGES
    return ExitCode.PARTLY if plan.rejected else ExitCode.DONE


@click.command("changes", cls=HostCommand)
@click.argument("plan", metavar="[ID]", required=False)
@ALL
@click.option("--csv", "as_csv", is_flag=True, help="Print all changes as CSV for a spreadsheet, a fact a line.")
@AS_JSON
def changes_command(plan: str | None, whole_list: bool, as_csv: bool, as_json: bool) -> int:
    """List the plans that the directory's host keeps, or show one again by its id.

    A plan holds names and addresses: keep a file of it to yourself.

    \b
    Example:
      sudo ./malleposte accounts changes
      sudo ./malleposte accounts changes 20260901-081500-3f2a --all
      (umask 077; sudo ./malleposte accounts changes 20260901-081500-3f2a --csv > changes.csv)
    """
    settings = Settings.read()
    if plan is None:
        heads = list(plans.heads())
        lines = [f"{one.ident}  {local(one.made)}  {one.feed}: {counted(one.counts)}" for one in heads]
        shown(list(map(asdict, heads)), lines or ["no plan is kept"], as_json=as_json)
        return ExitCode.DONE
    loaded = plans.load(plan)
    text = show.table(loaded, run.school_names(settings)) if as_csv else texts(loaded, settings, whole=whole_list)
    emit(loaded.pieces() if as_json else text)
    return ExitCode.DONE


def counted(counts: Mapping[str, int]) -> str:
    """Numbers of changes by kind, in words."""
    return ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "nothing to change"


def tell(answer: dict[str, Any], *, as_json: bool) -> int:
    """Print what became of a plan; 1 when something was skipped, else 4 for hosts out of reach."""
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
    if answer["skipped"]:
        return ExitCode.FAILURE
    return ExitCode.PARTLY if answer["failures"] else ExitCode.DONE


def applying(ident: str, forced: Collection[str]) -> str:
    """Return the words that apply a plan again, with the brakes that it needs as much as before."""
    return " ".join(["apply", ident, *(f"--force {brake}" for brake in sorted(set(forced)))])


def carry_through(ident: str, plan: changes.Plan, again: str, *, forced: Collection[str], as_json: bool) -> int:
    """Apply a plan of this host and print what became of it; `again` is the command that goes on after a skip.

    What a host that was away still has, the plan itself finishes: another one finds nothing to change any more.
    """
    answer = applied(ident, forced=forced, quiet=as_json) | {"left": dict(plan.left_alone)}
    code = tell(answer, as_json=as_json)
    if code:
        finish = applying(ident, forced) if answer["failures"] else again
        click.echo(f"to finish it: malleposte accounts {finish}", err=True)
    return code or (ExitCode.PARTLY if plan.left_alone else ExitCode.DONE)


@click.command("apply", cls=HostCommand)
@click.argument("plan", metavar="ID")
@FORCE
@FORCE_DEPARTURES
@AS_JSON
def apply_command(plan: str, forced: tuple[str, ...], force_departures: bool, as_json: bool) -> int:
    """Apply the plan of that id, which `accounts plan` printed.

    An entry that changed since the plan is skipped with the reason (exit code 1). Changes already made are
    recognised, so run an interrupted apply again; also after a host did not answer (exit code 4).

    \b
    Example:
      sudo ./malleposte accounts apply 20260901-081500-3f2a
      sudo ./malleposte accounts apply 20260901-081500-3f2a --force departures --json
    """
    let_go = every(forced, force_departures)
    answer = applied(plan, forced=let_go, quiet=False)
    if answer["failures"] and not as_json:  # an import calls it so, from the controller, and says it itself
        click.echo(f"to finish it: malleposte accounts {applying(plan, let_go)}", err=True)
    return tell(answer, as_json=as_json)


@click.command("import")
@click.argument("feed", type=click.Path(path_type=Path), metavar="FILE")
@INVENTORY
@COLUMNS
@REJECTS
@RECASE
@ALL
@FORCE
@FORCE_DEPARTURES
@click.option("--yes", is_flag=True, help="Do not ask.")
@AS_JSON
def import_command(
    feed: Path, inventory: str | None, mapping: dict[str, str], rejects: Path | None, recase: bool, whole_list: bool,
    forced: tuple[str, ...], force_departures: bool, yes: bool, as_json: bool,
) -> int:  # fmt: skip
    """Plan a feed, show the plan, ask, apply it.

    Exit code 4 when rows were refused and the others processed; 1 when a change could not be made.

    \b
    Example:
      sudo ./malleposte accounts import agents.csv
      sudo ./malleposte accounts import agents.csv --recase --columns colonnes.yml
      sudo ./malleposte accounts import ecoles.xlsx --yes --json
    """
    if str(feed) == "-" and not yes:
        raise InputError("a feed from standard input leaves no input for a confirmation", "add --yes")
    plan = planned(inventory, feed, Wish(feed.name, mapping, recase, whole_list))
    keep_rejects(plan, feed, rejects)
    if not as_json:
        emit(plan.text)
    if plan.changes:
        confirm("Apply?", yes=yes)
    let_go = every(forced, force_departures)
    answer = carried_out(inventory, plan.ident, forced=let_go, quiet=as_json)
    code = tell(answer | {"rejected": plan.rejected, "left_out": plan.left_out}, as_json=as_json)
    if answer["failures"]:
        click.echo(f"to finish it: malleposte accounts {applying(plan.ident, let_go)}", err=True)
    return code or (ExitCode.PARTLY if plan.rejected else ExitCode.DONE)


def every(forced: Collection[str], departures: bool) -> list[str]:
    """Return the brakes that are let go by either option."""
    return [*forced, *([brakes.Brake.DEPARTURES] if departures else [])]


def carried_out(inventory: str | None, ident: str, *, forced: Collection[str], quiet: bool) -> dict[str, Any]:
    """The result of a plan, applied here on a host, over ssh on the controller."""
    if paths.HOSTED:
        return applied(ident, forced=forced, quiet=quiet)
    force = [word for brake in forced for word in ("--force", brake)]
    words = ["accounts", "--by", person(), "apply", ident, "--json", *force]
    place = remote.one(paths.inventory(inventory), GROUP)
    answer: dict[str, Any] = place.exchange(words, b"", also=(ExitCode.FAILURE, ExitCode.PARTLY))
    return answer
