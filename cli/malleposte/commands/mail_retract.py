"""`malleposte mail retract`, `undo` and `retractions`: a message is taken back from all boxes, and given back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click
import msgspec

from malleposte.accounts import facts
from malleposte.accounts.actor import actor
from malleposte.accounts.channels import Failure
from malleposte.accounts.retraction import acts, likeness, owners, plan, store
from malleposte.accounts.retraction.model import Retraction, Stage
from malleposte.commands.accounts.context import host, now
from malleposte.commands.accounts.options import YES, confirm
from malleposte.commands.away import HostCommand
from malleposte.commands.mail_options import DAYS, query_of, selection, since_of
from malleposte.commands.options import AS_JSON, answer
from malleposte.core.errors import ExitCode, InputError
from malleposte.deliveries.likeness import COMPARED
from malleposte.deliveries.model import Likeness, Message
from malleposte.platform import idents
from malleposte.platform.times import local

SHOWN, SHOWN_LIKE = 20, 100
"""Messages, addresses and boxes that a plan names, and like messages; --json has all."""


@click.command(
    "retract",
    cls=HostCommand,
    epilog="Exit codes: 0 done, 1 failure or nothing is there, 2 bad input, 4 a part could not be reached.",
)
@click.argument("ident", metavar="[RETRACTION]", default="")
@selection
@DAYS
@click.option("--also", metavar="NUMBER", type=int, multiple=True, help="Take these of the plan of RETRACTION too.")
@click.option("--reason", default="", help="The reason, which the owners of the boxes are shown.")
@click.option("--refuse-link", is_flag=True, help="Have the filter refuse mail with a link to the host of --link too.")
@click.option("--no-note", is_flag=True, help="Write to nobody who had read a copy.")
@click.option("--dry-run", is_flag=True, help="Show the plan and keep it; change nothing.")
@YES
@AS_JSON
def retract_command(
    ident: str, sender: str, recipient: str, word: str, message_id: str, link: str, queue: str, like: str, days: int,
    also: Sequence[int], reason: str, refuse_link: bool, no_note: bool, dry_run: bool, yes: bool, as_json: bool,
) -> int:  # fmt: skip
    """Take messages back from all boxes, after a plan.

    The plan names each message, counts the boxes, says who had read it, and what cannot be reached: copies that filters
    passed on to somebody outside, mail that is still in the queue. Then the filter refuses more of the wave, and every
    copy leaves its box, whatever the folder, read, moved or deleted; no client can reach it. Who had read it gets a
    letter. For 30 days, mail undo gives all back as it was.

    With --like a message is taken back by its Message-ID or queue id, and the plan names those that are like it, each
    with a number. They stay where they are: an honest answer quotes what it answers. --also takes those of a number.

    With the name of a RETRACTION it goes on after an interruption, or looks again for what came since.

    \b
    Example:
      sudo ./malleposte mail retract --from pirate@example.org --subject "mot de passe" --reason "hameçonnage" --dry-run
      sudo ./malleposte mail retract --link phishing.example --refuse-link --reason "hameçonnage MGEN" --yes
      sudo ./malleposte mail retract --like 4dLpz91CxGz9rxQ --reason "hameçonnage" --dry-run
      sudo ./malleposte mail retract 20260901-081500-3f2a --also 1 --also 3
      sudo ./malleposte mail retract 20260901-081500-3f2a --json
    """
    with host() as (tools, _rules, settings, _uid):
        if ident:
            one = _with_more(tools.hosts, ident, also, settings.domain)
        else:
            if not reason.strip():
                raise InputError("a retraction needs a reason", "--reason says it to the owners of the boxes")
            if refuse_link:
                _demand_refusable(link, settings.domain)
            if also:
                raise InputError("--also goes with the name of a RETRACTION", "make its plan first: --dry-run")
            texts, failed = likeness.of(tools.hosts, like, since_of(days)) if like else (Likeness(), [])
            query = query_of(tools.directory, sender, recipient, word, message_id, link, queue, days, plan.MOST, texts)
            matching, failures = plan.messages(tools.hosts, query)
            messages, more = _meant(tools.hosts, like, days) if like else (matching, [])
            one = Retraction(
                idents.new_ident(now()), int(now().timestamp()), actor(), reason.strip(), messages, [],
                hosts=[query.host] if refuse_link else [], like=plan.like(matching, messages) if like else [],
            )  # fmt: skip
            plan.complete(one, settings.domain)
            acts.count(tools.hosts, one)
            one.failures += dict.fromkeys(str(failure) for failure in (*failed, *failures, *more))
        if not one.messages and not one.like:
            answer(_document(one), ["no message of this kind was delivered"], as_json=as_json)
            return ExitCode.FAILURE
        store.prune(now())
        if not ident:
            store.keep(one)
        if not as_json or dry_run:
            answer(_document(one), planned(one), as_json=as_json)
        if dry_run:
            click.echo(f"to do it: malleposte mail retract {one.ident}", err=True)
            return ExitCode.PARTLY if one.failures else ExitCode.DONE
        if not one.messages:
            raise InputError(f"{one.ident}: no message is named", f"malleposte mail retract {one.ident} --also NUMBER")
        confirm("Take it back?", yes=yes)
        with store.alone(one.ident):
            one = store.load(one.ident)  # somebody on the portal may have ordered something meanwhile
            plan.follow(tools.hosts, one, settings.domain)
            acts.retract(tools.hosts, one, store.keep)
            owners.journal(tools, one, "retract")
            if not no_note:
                owners.write(tools, one, store.keep, now())
                owners.thank(tools, one, now())
            store.keep(one)
    answer(_document(one), done(one), as_json=as_json) if as_json else _emit(done(one))
    return _code(one)


@click.command("undo", cls=HostCommand)
@click.argument("ident", metavar="RETRACTION")
@YES
@AS_JSON
def undo_command(ident: str, yes: bool, as_json: bool) -> int:
    """Give back what a retraction took: every copy to its folder, with its flags and dates.

    The filter passes such messages again. Typed again, it goes on.

    \b
    Example:
      sudo ./malleposte mail undo 20260901-081500-3f2a
      sudo ./malleposte mail undo 20260901-081500-3f2a --yes --json
    """
    with host() as (tools, _rules, _settings, _uid):
        one = store.load(ident)
        if one.stage is not Stage.TAKEN_BACK:
            confirm(f"Give {len(one.copies)} copies back to {len(one.holders)} boxes?", yes=yes)
            with store.alone(one.ident):
                one = store.load(one.ident)
                acts.undo(tools.hosts, one, store.keep)
            owners.journal(tools, one, "retract-undo")
    lines = [f"{one.ident}: {len(one.copies) - len(one.left)} copies given back to {len(one.holders)} boxes"]
    lines += [f"  {copy.uid}: not there any more, from {copy.folder}" for copy in one.left[:SHOWN]]
    answer(_document(one), [*lines, *_failed(one)], as_json=as_json)
    return _code(one)


@click.command("retractions", cls=HostCommand)
@AS_JSON
def retractions_command(as_json: bool) -> None:
    """List the retractions of the last 30 days, the newest first.

    \b
    Example:
      sudo ./malleposte mail retractions
      sudo ./malleposte mail retractions --json
    """
    every = list(store.every())
    answer([_document(one) for one in every], map(_line, every), as_json=as_json)


def planned(one: Retraction) -> Iterator[str]:
    """Return the plan for a person."""
    boxes = _several(len(one.holders), "box", "boxes")
    yield f"{_several(len(one.messages), 'message')} in {boxes}, of {len(one.boxes)} that got any:"
    shown = plan.distinct(one.messages)
    yield from (f"  {_group(same)}" for same in shown[:SHOWN])
    if len(shown) > SHOWN:
        yield f"  and {len(shown) - SHOWN} others; --json has all"
    yield f"read by {_several(len(one.readers), 'agent')}: {_listed(one.readers)}" if one.readers else "read by nobody"
    if one.out:
        yield f"passed on outside, not reachable: {_listed([f'{uid} to {address}' for uid, address in one.out])}"
    if one.waiting:
        yield f"still in the queue, type it again later: {_listed(one.waiting)}"
    if one.like:
        yield "like it, and left where they are (--also NUMBER takes them):"
    for number, like in enumerate(one.like[:SHOWN_LIKE], 1):
        alike = f"{like.alike} of {COMPARED} alike" if like.alike else "an equal part"
        boxes = _several(plan.holders(like.messages), "box", "boxes")
        yield f"  {number:>3}. {alike}, {boxes}: {_group(like.messages)}"
    if len(one.like) > SHOWN_LIKE:
        yield f"  and {len(one.like) - SHOWN_LIKE} others; --json has all"
    yield from _failed(one)


def _group(same: Sequence[Message]) -> str:
    """Messages of one author and content, for a person."""
    first_of, last = (local(moment) for moment in (same[0].time, same[-1].time))
    inside = " (an account of ours)" if same[0].account else ""
    author = same[0].author or same[0].sender or "<>"
    return f"{len(same)} × from {author}{inside}, {first_of} to {last}, such as <{same[0].message_id}>"


def _with_more(hosts: Any, ident: str, also: Sequence[int], domain: str) -> Retraction:
    """A retraction that is kept, with the like messages of these numbers."""
    if not also:
        return store.load(ident)
    with store.alone(store.load(ident).ident):
        one = store.load(ident)
        plan.add(one, also, domain)
        acts.count(hosts, one)
        store.keep(one)
    return one


def _demand_refusable(link: str, domain: str) -> None:
    """Raise InputError where mail with a link to that host cannot be refused."""
    if not link:
        raise InputError("--refuse-link goes with --link", "name the host of the link")
    if plan.is_ours(link, (domain, *facts.read().get("hostnames", {}).values())):
        raise InputError(f"{link} is a host of the platform: everybody's mail with a link there would be refused")


def _meant(hosts: Any, like: str, days: int) -> tuple[list[Message], list[Failure]]:
    """The messages that --like names; those of a retraction were taken back already."""
    return ([], []) if idents.is_ident(like) else plan.messages(hosts, likeness.reference(like, since_of(days)))


def done(one: Retraction) -> Iterator[str]:
    """Return the end of a retraction for a person."""
    copies, boxes = _several(len(one.copies), "copy", "copies"), _several(len(one.holders), "box", "boxes")
    there = sum(bool(copy.guid) for copy in one.left)
    yield f"{one.ident}: {len(one.copies) - there} of {copies} taken out of {boxes}"
    yield from (
        f"  still there: {copy.uid}, {copy.folder or 'the box could not be opened: type it again'}"
        for copy in one.left[:SHOWN]
    )
    if one.waiting:
        yield f"  still in the queue, type it again later: {_listed(one.waiting)}"
    if one.told:
        yield f"  written to {_several(len(one.told), 'agent')} who had read it"
    yield from _failed(one)
    yield f"  to give all back: malleposte mail undo {one.ident}"


def _code(one: Retraction) -> int:
    return ExitCode.PARTLY if one.failures or one.left else ExitCode.DONE


def _document(one: Retraction) -> dict[str, Any]:
    return {**msgspec.to_builtins(one), "readers": one.readers, "holders": one.holders}


def _line(one: Retraction) -> str:
    when = local(one.time)
    return f"{one.ident}  {when}  {one.stage:<8} {len(one.copies)} copies in {len(one.holders)} boxes  {one.reason}"


def _failed(one: Retraction) -> Iterator[str]:
    yield from (f"  not reached: {failure}" for failure in one.failures)


def _emit(lines: Iterator[str]) -> None:
    for line in lines:
        click.echo(line)


def _several(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
