"""An office convokes: the plan first, then the order. For delegates of the boxes that the facts name, with the role.

The work is root's, on the directory's host (`accounts.convocations`): these calls give orders and show what came of
them.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, BinaryIO

import msgspec
from msgspec import Meta

from malleposte.accountd.call import Who, call
from malleposte.accountd.context import Context, ForbiddenError, NotFoundError, RefusedValueError, Tools, reached
from malleposte.accountd.message import Count, Done, Forbidden, Message, Owned, Text, WithBytes, fitting
from malleposte.accounts import boxes, roles
from malleposte.accounts.convocations import feed
from malleposte.accounts.convocations.model import Answer, Counts, Event, Order, Row, Stage
from malleposte.accounts.convocations.orders import CSV, PDF, Line, Office, PlanShown, Shown, Summary
from malleposte.accounts.feed.values import BadValueError
from malleposte.directory.model import first
from malleposte.platform import idents
from malleposte.throttle import costs

__all__ = [
    "AGENTS", "CSV", "EVENT", "MANY", "PDF", "Answer", "ConvocationReport", "ConvocationShown", "Counts", "Line",
    "OfficeBox", "OfficeConvocation", "OfficeConvocations", "OfficeList", "Order", "OrderConvocation",
    "PlanConvocation", "PlanShown", "ReportFile", "Stage", "Summary",
]  # fmt: skip
HOST = "the directory's host"
PLANS_A_DAY, ORDERS_A_DAY = 60, 200
"""Plans and orders of a person in a day."""
MOST_AGENTS = 250
"""Agents of one form; more come by another one."""
OFF, FAILED = "off", "failed"
"""Lists of agents beside those of an answer."""
EVENT, AGENTS, MANY = "event", "agents", "many"
"""The words of a value that is refused: the event, a line of agents, too many convocations."""
Agents = Annotated[str, Meta(max_length=6000)]
"""Log-ins or addresses, a line each; substitutes follow a semicolon, parted by commas."""


class OfficeBox(Message, frozen=True):
    """A box for which an agent may convoke."""

    uid: str
    title: str
    mail: str


class OfficeList(Done, frozen=True):
    """The boxes for which an agent may convoke, and the convocations of one; `more`: and others."""

    offices: tuple[OfficeBox, ...] = ()
    office: str = ""
    convocations: tuple[Summary, ...] = ()
    more: bool = False


class ConvocationShown(Done, frozen=True):
    """A convocation with some of its agents: those from `skip` on, until `next` (0: to the end)."""

    office: str = ""
    summary: Summary = msgspec.field(default_factory=Summary)
    event: Event = msgspec.field(default_factory=lambda: Event("", "", ""))
    plan: PlanShown | None = None
    lines: tuple[Line, ...] = ()
    failures: tuple[str, ...] = ()
    skip: int = 0
    next: int = 0


class ReportFile(WithBytes, frozen=True):
    """A report, whose bytes follow."""

    office: str = ""
    convocation: str = ""
    form: str = ""


class OfficeConvocations(Owned[OfficeList], frozen=True):
    """List the boxes for which the agent may convoke, and the convocations of one (the first, unless it is named)."""

    office: Text = ""


class OfficeConvocation(Owned[ConvocationShown], frozen=True):
    """Show one, with its agents from `skip` on.

    `only` chooses those of an answer (`yes`, `no`, `maybe`, `silence`), that are `off`, or whom something `failed`.
    """

    office: Text
    convocation: Text
    only: Text = ""
    skip: Count = 0


class PlanConvocation(Owned[ConvocationShown], frozen=True):
    """Have the plan of a new convocation made, or (`convocation`) of further agents for one.

    `begin` and `end` are days or moments (2026-06-15T08:00). With `everyone` the event is that of all who are invited.
    """

    office: Text
    name: Text
    title: Text
    begin: Text
    end: Text
    agents: Agents
    place: Text = ""
    text: Text = ""
    convocation: Text = ""
    everyone: bool = False
    substitute: bool = False


class OrderConvocation(Owned[ConvocationShown], frozen=True):
    """Carry a plan out (`send`), remind the silent (`remind`), call it off (`call_off`), or one agent alone (`key`)."""

    office: Text
    convocation: Text
    order: Text
    key: Text = ""


class ConvocationReport(Owned[ReportFile], frozen=True):
    """Fetch the report, as `csv` or `pdf`."""

    office: Text
    convocation: Text
    form: Text


@call(who=Who.OFFICE, cost=costs.LOOK)
def office_convocations(context: Context, request: OfficeConvocations) -> OfficeList:
    """List them."""
    uid, offices = _offices(context, request)
    chosen = _office(offices, request.office or next(iter(offices), ""))
    every = _asked(context.tools.hosts.office_convocations, chosen.uid)
    shown = fitting(every)
    return OfficeList(
        uid, offices=tuple(OfficeBox(one.uid, one.title, one.mail) for one in offices.values()), office=chosen.uid,
        convocations=shown, more=len(shown) < len(every),
    )  # fmt: skip


@call(who=Who.OFFICE, cost=costs.LOOK)
def office_convocation(context: Context, request: OfficeConvocation) -> ConvocationShown:
    """Read it."""
    uid, offices = _offices(context, request)
    office = _office(offices, request.office)
    whole = _asked(context.tools.hosts.office_convocation, office.uid, _ident(request.convocation))
    return _shown(uid, office, whole, request.only, request.skip)


@call(who=Who.OFFICE)
def plan_convocation(context: Context, request: PlanConvocation) -> ConvocationShown:
    """Order the plan, and show what is known of it until it is made."""
    uid, offices = _offices(context, request)
    office = _office(offices, request.office)
    event, rows = _event_and_rows(request)
    _counted(context, uid, "convocation-plans", PLANS_A_DAY)
    ident = _ident(request.convocation) if request.convocation else ""
    if ident and _asked(context.tools.hosts.office_convocation, office.uid, ident) is None:
        raise NotFoundError("no such convocation")
    created = _asked(
        context.tools.hosts.plan_convocation, uid, office, ident, request.name.strip()[:200] or event.title, rows,
        event if request.everyone and ident else None, request.substitute,
    )  # fmt: skip
    if not created:
        raise RefusedValueError(MANY)
    context.journal.write("convoke-plan", uid, office=office.uid, convocation=created, note=event.title)
    return _shown(uid, office, _asked(context.tools.hosts.office_convocation, office.uid, created))


@call(who=Who.OFFICE)
def order_convocation(context: Context, request: OrderConvocation) -> ConvocationShown:
    """Give the order; the journal has what changed."""
    uid, offices = _offices(context, request)
    office, ident = _office(offices, request.office), _ident(request.convocation)
    try:
        order = Order(request.order)
    except ValueError as error:
        raise RefusedValueError("no such order") from error
    with context.alone(ident, "convocation"):
        before = _asked(context.tools.hosts.office_convocation, office.uid, ident)
        if before is not None:
            _counted(context, uid, "convocation-orders", ORDERS_A_DAY)
        after = _asked(context.tools.hosts.order_convocation, office.uid, ident, order, request.key[:200])
        if before is not None and (after != before or order is Order.REMIND):
            act = {Order.SEND: "convoke-send", Order.REMIND: "convoke-remind", Order.CALL_OFF: "convoke-off"}[order]
            context.journal.write(act, uid, office=office.uid, convocation=ident, note=before.summary.name)
    return _shown(uid, office, after)


def _open(tools: Tools, answer: ReportFile) -> BinaryIO:
    """Return the report again. Raises EOFError where it changed meanwhile: it is then asked for anew."""
    content = tools.hosts.convocation_report(answer.office, answer.convocation, answer.form)
    if content is None or len(content) != answer.size:
        raise EOFError("the report changed meanwhile")
    return io.BytesIO(content)


@call(who=Who.OFFICE, cost=costs.LOOK, opens=_open)
def convocation_report(context: Context, request: ConvocationReport) -> ReportFile:
    """Say how long it is."""
    uid, offices = _offices(context, request)
    office, ident = _office(offices, request.office), _ident(request.convocation)
    form = PDF if request.form == PDF else CSV
    content = _asked(context.tools.hosts.convocation_report, office.uid, ident, form)
    if content is None:
        raise NotFoundError("no such convocation")
    return ReportFile(uid, size=len(content), office=office.uid, convocation=ident, form=form)


def _offices(context: Context, request: Owned[Done]) -> tuple[str, dict[str, Office]]:
    """Return the agent, and the boxes for which it may convoke: role, factor, delegation and fact.

    Raises ForbiddenError, NotFoundError, NotProvedError.
    """
    proved = context.tools.proofs.proved(request.token)
    uid = context.owner(proved.uid).uid
    entry = next(iter(context.directory.search("people", (roles.ATTRIBUTE,), {"uid": uid})), None)
    if entry is None or not roles.may_convoke(entry.attributes.get(roles.ATTRIBUTE, [])):
        raise ForbiddenError(Forbidden.OFFICE)
    if not proved.by_factor:
        raise ForbiddenError(Forbidden.FACTOR)
    named = frozenset(_asked(context.tools.hosts.convoking_offices))
    mine = (one.attributes for one in context.directory.search("functional", boxes.BOX, {"mpDelegate": uid}))
    offices = {
        first(one, "uid"): Office(first(one, "uid"), first(one, "mail"), first(one, "cn")[:200])
        for one in mine if first(one, "mail").lower() in named
    }  # fmt: skip
    if not offices:
        raise ForbiddenError(Forbidden.OFFICE)
    return uid, dict(sorted(offices.items()))


def _office(offices: Mapping[str, Office], typed: str) -> Office:
    """Return one of an agent's offices. Raises ForbiddenError, which says the same of one that is not there."""
    if typed not in offices:
        raise ForbiddenError(Forbidden.OFFICE)
    return offices[typed]


def _event_and_rows(request: PlanConvocation) -> tuple[Event, tuple[Row, ...]]:
    """Return the event and the rows of a form. Raises RefusedValueError with the word of what is wrong."""
    cells = {
        "agent": "-", "title": request.title, "begin": request.begin, "end": request.end, "place": request.place,
        "text": request.text,
    }  # fmt: skip
    try:
        event = feed.judged(0, functools.partial(_cell, cells)).event
    except BadValueError as error:
        raise RefusedValueError(EVENT) from error
    try:
        rows = tuple(_rows(request.agents, cells))
    except BadValueError as error:
        raise RefusedValueError(AGENTS) from error
    if len(rows) > MOST_AGENTS or not (rows or (request.everyone and request.convocation)):
        raise RefusedValueError(AGENTS)
    return event, rows


def _rows(agents: str, cells: Mapping[str, str]) -> Iterator[Row]:
    for number, line in enumerate(agents.splitlines(), 1):
        who, _sign, substitutes = line.replace("\t", ";").partition(";")
        if who.strip():
            agent_cells = {**cells, "agent": who, "substitutes": substitutes}
            yield feed.judged(number, functools.partial(_cell, agent_cells))


def _cell(cells: Mapping[str, str], key: str) -> str:
    return cells.get(key, "")


def _ident(typed: str) -> str:
    """Return the name of a convocation. Raises RefusedValueError."""
    if not idents.is_ident(typed):
        raise RefusedValueError("no name of a convocation")
    return typed


def _counted(context: Context, uid: str, kind: str, most: int) -> None:
    taken = context.tools.limits.day(uid, kind, most)
    if taken.wait:
        raise ForbiddenError(Forbidden.CAP)
    context.taken.append(taken)


def _shown(uid: str, office: Office, whole: Shown | None, only: str = "", skip: int = 0) -> ConvocationShown:
    """Return what is shown of a convocation. Raises NotFoundError where there is none."""
    if whole is None:
        raise NotFoundError("no such convocation")
    lines = [one for one in whole.lines if _meant(one, only)]
    begin = min(max(skip, 0), len(lines))
    plan = whole.plan and msgspec.structs.replace(
        whole.plan, notes=fitting(whole.plan.notes, 3000), refused=fitting(whole.plan.refused, 3000)
    )
    shown = fitting(lines[begin:], 6000)
    end = begin + len(shown)
    return ConvocationShown(
        uid, office=office.uid, summary=whole.summary, event=whole.event, plan=plan, lines=shown,
        failures=tuple(one[:200] for one in whole.failures[:3]), skip=begin, next=end if end < len(lines) else 0,
    )  # fmt: skip


def _meant(line: Line, only: str) -> bool:
    if only == OFF:
        return line.off
    if only == FAILED:
        return line.failed
    return not only or (not line.off and (line.answer or "silence") == only)


def _asked[**P, R](act: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Ask the directory's host. Raises DirectoryError."""
    with reached(what=HOST):
        return act(*args, **kwargs)
