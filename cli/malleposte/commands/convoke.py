"""`malleposte convoke`: on the controller it sends its file to the directory's host, and runs itself there."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from malleposte.accounts import boxes
from malleposte.accounts.actor import actor
from malleposte.accounts.acts import Tools
from malleposte.accounts.convocations import feed, plan, store
from malleposte.accounts.convocations.model import Convocation, Invitee, Plan
from malleposte.accounts.convocations.people import People
from malleposte.accounts.feed import table
from malleposte.accounts.settings import Settings
from malleposte.commands.accounts.context import host, now
from malleposte.commands.accounts.options import YES, confirm
from malleposte.commands.accounts.shared import Meter, read_bytes
from malleposte.commands.away import HostCommand, run
from malleposte.commands.options import AS_JSON, answer
from malleposte.core.errors import ExitCode, InputError
from malleposte.directory.model import first
from malleposte.platform import idents

SHOWN = 20
"""Agents, notes and refused rows that a plan names; --json has all."""
LOOK_SECONDS = 2.0


class ConvokeCommand(HostCommand):
    """One that takes a file of the controller along, shows its plan, and asks here."""

    def away(self, ctx: click.Context, inventory: Path, words: list[str]) -> int:
        """Show the plan there, ask here, carry it out there."""
        asked = ctx.params
        file = asked["file"]
        if str(file) == "-" and not (asked["yes"] or asked["dry_run"]):
            raise InputError("a file from standard input leaves no input for a confirmation", "add --yes")
        content, place = read_bytes(file, table.MOST_BYTES), self.place(ctx, inventory)
        options = ["--name", asked["name"] or file.stem]
        options += ["--office", asked["office"]] if asked["office"] else []
        options += ["--substitute"] if asked["substitute"] else []
        options += [word for day in asked["remind"] for word in ("--remind", str(day))]
        options += ["--wait"] if asked["wait"] else []
        options += ["--json"] if asked["as_json"] else []

        def typed(flag: str) -> int:
            return run(place, ["convoke", *options, flag, "--", "-"], content=content)

        if asked["dry_run"] or not asked["yes"]:
            code = typed("--dry-run")
            if asked["dry_run"] or code not in (ExitCode.DONE, ExitCode.PARTLY):
                return code
            confirm("Send?", yes=False)
        return typed("--yes")


@click.command(
    "convoke",
    cls=ConvokeCommand,
    epilog="Exit codes: 0 done, 1 failure, 2 bad input, 4 rows were refused and the others taken.",
)
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--office", default="", metavar="BOX", help="The functional box that invites; needed the first time.")
@click.option("--name", default="", help="The name of the convocation. [default: that of FILE]")
@click.option("--substitute", is_flag=True, help="Have the next substitute of a row invited when an agent says no.")
@click.option(
    "--remind", type=click.IntRange(1, 60), multiple=True, metavar="DAYS",
    help="Remind the silent so many days before the event (repeatable). [default: as the facts say]",
)  # fmt: skip
@click.option("--wait", is_flag=True, help="Wait until all is sent, and show how far it is.")
@click.option("--dry-run", is_flag=True, help="Show the plan; change nothing.")
@YES
@AS_JSON
def command(
    file: Path, office: str, name: str, substitute: bool, remind: tuple[int, ...], wait: bool, dry_run: bool, yes: bool,
    as_json: bool,
) -> int:  # fmt: skip
    """Invite the agents of a file on behalf of an office; change or call off what was sent.

    A row is an invitation: Agent (log-in, address or NUMEN), Titre, Début and Fin (15/06/2026 08:00; or hours alone
    beside a column Date; or days), and as the office likes Lieu, Texte, Remplaçants, Référence (tells the rows of one
    agent apart). The plan is shown first. Each agent then gets a letter from the office's box with the invitation and
    the order as PDF, and the entry in the agenda.

    The same file changed and typed again changes what differs: new rows are invited, those with other hours are asked
    again, those that are gone are called off. Typed again unchanged it does nothing.

    \b
    Example:
      sudo ./malleposte convoke jury-bac.csv --office examens@ac-exemple.test --dry-run
      sudo ./malleposte convoke jury-bac.csv --office examens --substitute --remind 7 --remind 2
      sudo ./malleposte convoke jury-bac.xlsx --office examens --yes --wait
    """
    content = read_bytes(file, table.MOST_BYTES)
    label = name or file.stem
    with host() as (tools, rules, settings, _uid):
        box = first(boxes.find(tools.directory, office).attributes, "uid") if office else ""
        one = _standing(tools, settings, label, box)
        one.substitute = one.substitute or substitute
        one.remind_days = remind or one.remind_days or rules.convocations.reminder_days
        rows, refused = feed.read(content, label if str(file) == "-" else str(file))
        people = People(tools.directory, settings.keys(), settings.domain)
        meter, asked = Meter(quiet=as_json, what="absences: "), itertools.count(1)

        def absent(uid: str) -> bool:
            meter(next(asked), len(rows))
            return tools.hosts.look(uid).absence

        new_plan = plan.build(one, rows, refused, people, absent, now().timestamp())
        if dry_run or not as_json:
            answer(document(one, new_plan), planned(one, new_plan, rules.convocations.per_minute), as_json=as_json)
        if not dry_run and new_plan.changes:
            confirm("Send?", yes=yes)
        if not dry_run:
            _carry_out(tools, one, new_plan)
    if dry_run:
        return ExitCode.PARTLY if new_plan.refused else ExitCode.DONE
    if wait:
        follow(one.ident, Meter(quiet=as_json), time.sleep)
    answer(document(one, new_plan), [f"{one.ident}: {new_plan.changes} changes are on their way"], as_json=as_json)
    return ExitCode.PARTLY if new_plan.refused else ExitCode.DONE


def _standing(tools: Tools, settings: Settings, label: str, box: str) -> Convocation:
    """Return the convocation of a name that stands, or a new one. Raises InputError."""
    standing = store.standing(label, now().timestamp(), box)
    if len(standing) > 1:
        names = ", ".join(one.office for one in standing)
        raise InputError(f"several offices have a convocation {label}: {names}", "name one with --office")
    if standing:
        return standing[0]
    if not box:
        raise InputError(f"no convocation {label} stands", "a new one needs --office")
    entry = boxes.find(tools.directory, box).attributes
    return Convocation(
        idents.new_ident(now()), label, box, first(entry, "mail"), first(entry, "cn"), settings.domain, actor(),
        int(now().timestamp()),
    )  # fmt: skip


def _carry_out(tools: Tools, one: Convocation, changes: Plan) -> None:
    """Keep the changes, which are then sent by themselves. What was answered meanwhile stays."""
    with store.turn():
        current = store.load(one.ident) if store.has(one.ident) else one
        plan.apply(current, changes)
        current.substitute, current.remind_days = one.substitute, one.remind_days
        current.rows, current.plan, current.planning = [], None, False
        store.ask(current)
    if changes.changes:
        tools.journal.write("convoke", one.office, convocation=one.ident, changes=changes.changes)
        tools.journal.sync()


def planned(one: Convocation, changes: Plan, per_minute: int) -> Iterator[str]:
    """Return the plan for a person."""
    yield f"{one.name} ({one.title}, {one.mail}): {len(changes.new)} new, {len(changes.changed)} changed, " + (
        f"{len(changes.off)} called off, {changes.same} as they were"
    )
    yield from _some("new", changes.new, _line)
    yield from _some("changed", changes.changed, _line)
    yield from _some("called off", [invitee for key in changes.off if (invitee := one.find(key))], _line)
    yield from _some(
        "to know", changes.notes, lambda note: f"{note.who}: {plan.NOTES[note.word]} {note.detail}".strip()
    )
    yield from _some("refused", changes.refused, lambda refusal: f"line {refusal.line}: {refusal.reason}")
    if changes.changes:
        yield f"{per_minute} a minute: {max(1, -(-changes.changes // per_minute))} min"


def _line(invitee: Invitee) -> str:
    event = invitee.event
    when = f"{event.begin.replace('T', ' ')} to {event.end.replace('T', ' ')}"
    return f"{invitee.person.uid or invitee.person.address}: {event.title}, {when}, {event.place or 'no place'}"


def _some[T](head: str, several: list[T], line: Callable[[T], str]) -> Iterator[str]:
    if several:
        yield f"{head}:"
    yield from (f"  {line(one)}" for one in several[:SHOWN])
    if len(several) > SHOWN:
        yield f"  and {len(several) - SHOWN} more; --json has all"


def document(one: Convocation, changes: Plan) -> dict[str, Any]:
    """Return a plan as JSON. The words by which events are known stay out of it."""

    def shown(invitee: Invitee) -> dict[str, Any]:
        return {"key": invitee.key, **msgspec.to_builtins(invitee.person), "event": msgspec.to_builtins(invitee.event)}

    return {
        "convocation": one.ident, "name": one.name, "office": one.office,
        "new": [shown(each) for each in changes.new], "changed": [shown(each) for each in changes.changed],
        "off": list(changes.off), "same": changes.same, "notes": msgspec.to_builtins(changes.notes),
        "refused": [{"line": each.line, "reason": each.reason} for each in changes.refused],
    }  # fmt: skip


def follow(ident: str, meter: Meter, sleep: Callable[[float], None]) -> None:
    """Show how far the sending is until nothing is left that can be done now."""
    whole = 0
    while left := sum(one.due(time.time()) for one in store.load(ident).invitees):
        whole = max(whole, left)
        meter(whole - left, whole)
        sleep(LOOK_SECONDS)
