"""`malleposte convocations`: what was sent by `convoke` or from the portal, and what was answered."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from malleposte.accounts import facts
from malleposte.accounts.convocations import orders, plan, report, store
from malleposte.accounts.convocations.model import Convocation, Counts, Invitee, Stage
from malleposte.accounts.convocations.paper import Printer
from malleposte.commands.accounts.context import host, now
from malleposte.commands.accounts.options import YES, confirm
from malleposte.commands.away import HostCommand
from malleposte.commands.options import AS_JSON, answer
from malleposte.core.errors import InputError
from malleposte.platform import idents
from malleposte.platform.times import local

WHICH = click.argument("which", metavar="ID|FILE")
"""The identifier of a convocation, or the file by which it was made: its name."""


@click.group("convocations")
def command() -> None:
    """List convocations, show answers, remind, call off, print a report.

    `malleposte convoke` makes and changes them. On the controller these commands run over ssh on the directory's host.

    \b
    Example:
      sudo ./malleposte convocations list
      sudo ./malleposte convocations show jury-bac.csv
      sudo ./malleposte convocations report jury-bac.csv > reponses.csv
    """


@command.command("list", cls=HostCommand)
@AS_JSON
def list_command(as_json: bool) -> None:
    """List the convocations that are kept, the newest first.

    \b
    Example:
      sudo ./malleposte convocations list
      sudo ./malleposte convocations list --json
    """
    every = list(store.every())
    answer([_document(one) for one in every], map(_line, every), as_json=as_json)


@command.command("show", cls=HostCommand)
@WHICH
@AS_JSON
def show_command(which: str, as_json: bool) -> None:
    """Show the answers to a convocation, and what could not be sent.

    \b
    Example:
      sudo ./malleposte convocations show 20260601-081500-3f2a
      sudo ./malleposte convocations show jury-bac.csv --json
    """
    one = find(which)
    whole = _document(one) | {"invitees": [_invitee(each) for each in one.invitees]}
    answer(whole, shown(one), as_json=as_json)


@command.command("remind", cls=HostCommand)
@WHICH
@AS_JSON
def remind_command(which: str, as_json: bool) -> None:
    """Remind the agents who have not answered; each once a day at most.

    \b
    Example:
      sudo ./malleposte convocations remind jury-bac.csv
      sudo ./malleposte convocations remind 20260601-081500-3f2a --json
    """
    with store.turn():
        one = find(which)
        many = orders.remind(one, time.time())
        if many:
            store.ask(one)
    answer({"convocation": one.ident, "reminded": many}, [f"{one.ident}: {many} will be reminded"], as_json=as_json)


@command.command("cancel", cls=HostCommand)
@WHICH
@YES
@AS_JSON
def cancel_command(which: str, yes: bool, as_json: bool) -> None:
    """Call a convocation off: each agent gets a letter, and the entry leaves the agenda.

    What is over stays. Typed again, nothing changes. One of several agents is called off by a file without that row.

    \b
    Example:
      sudo ./malleposte convocations cancel jury-bac.csv
      sudo ./malleposte convocations cancel 20260601-081500-3f2a --yes --json
    """
    one = find(which)
    if one.stage is not Stage.OFF:
        confirm(f"Call {one.name} off for {len(one.called)} agents?", yes=yes)
        with host() as (tools, _rules, _settings, _uid), store.turn():
            one = store.load(one.ident)
            plan.call_off(one, time.time())
            store.ask(one)
            tools.journal.write("convoke-off", one.office, convocation=one.ident)
    answer(_document(one), [f"{one.ident}: called off"], as_json=as_json)


@command.command("report", cls=HostCommand)
@WHICH
@click.option("--pdf", "as_pdf", is_flag=True, help="As PDF, to be printed. [default: CSV for a spreadsheet]")
def report_command(which: str, as_pdf: bool) -> None:
    """Print the report of a convocation: who answered what, when, by which way.

    It holds names and addresses: keep a file of it to yourself.

    \b
    Example:
      (umask 077; sudo ./malleposte convocations report jury-bac.csv > reponses.csv)
      (umask 077; sudo ./malleposte convocations report 20260601-081500-3f2a --pdf > reponses.pdf)
    """
    one = find(which)
    if as_pdf:
        with host() as (_tools, rules, _settings, _uid):
            printer = Printer(str(facts.read()["academy"]), rules.convocations.order)
        content = report.pdf(one, printer, now().astimezone().date())
    else:
        content = report.csv(one)
    sys.stdout.buffer.write(content)


def find(which: str) -> Convocation:
    """Return the convocation of an identifier, or the newest one under the name of a file. Raises InputError."""
    if idents.is_ident(which):
        return store.load(which)
    name = Path(which).stem
    every = [one for one in store.every() if one.name in (name, which)]
    standing = [one for one in every if one.stage is not Stage.OFF] or every
    if len({one.office for one in standing}) > 1:
        names = ", ".join(one.ident for one in standing)
        raise InputError(f"several offices have a convocation {name}", f"give the identifier of one: {names}")
    if not standing:
        raise InputError(f"no convocation {name}", "`malleposte convocations list` shows them")
    return standing[0]


def shown(one: Convocation) -> Iterator[str]:
    """Return a convocation for a person."""
    yield _line(one)
    yield f"of {one.title} ({one.mail}), by {one.by}"
    for invitee in sorted(one.invitees, key=lambda each: each.key):
        words = "called off" if invitee.off else invitee.answer or "no answer"
        sent = f"sent {local(invitee.sent)}" if invitee.sent else "not sent yet"
        instead = f", instead of {invitee.instead_of}" if invitee.instead_of else ""
        yield f"  {invitee.key:<30} {words:<10} {sent}{instead}"
        if invitee.failure:
            yield f"    not done, tried again: {invitee.failure}"
    yield from (f"  {failure}" for failure in one.failures)


def _line(one: Convocation) -> str:
    counts = one.count()
    words = f"{counts.all} invited, {counts.yes} yes, {counts.no} no, {counts.maybe} perhaps, {counts.silence} silent"
    waiting = f", {counts.waiting} not sent yet" if counts.waiting else ""
    return f"{one.ident}  {local(one.made)}  {one.stage:<6} {one.name}: {words}{waiting}"


def _document(one: Convocation) -> dict[str, Any]:
    counts: Counts = one.count()
    return {
        "convocation": one.ident, "name": one.name, "office": one.office, "mail": one.mail, "by": one.by,
        "made": one.made, "stage": one.stage, "counts": msgspec.to_builtins(counts), "failures": one.failures,
    }  # fmt: skip


def _invitee(one: Invitee) -> dict[str, Any]:
    """Return an invitation as JSON. The word by which its event is known stays out of it."""
    whole: dict[str, Any] = msgspec.to_builtins(one)
    return {name: value for name, value in whole.items() if name not in ("token", "begun")}
