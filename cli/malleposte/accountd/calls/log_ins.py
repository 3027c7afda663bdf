"""Log-ins at the log-in page and the browsers that it trusts: their owner sees each, and ends it.

The page tells of each. From a new place, the agent is told.
"""

from __future__ import annotations

from malleposte.accountd.call import Who, call
from malleposte.accountd.calls.factors import active, said, tell
from malleposte.accountd.context import Context, known_as, reached
from malleposte.accountd.message import Count, Done, Message, Owned, Request, Text, fitting
from malleposte.accounts.credentials.factors import notice
from malleposte.core.errors import InputError
from malleposte.throttle import costs
from malleposte.throttle.record.model import PAGE, LogIn

LONGEST = 300
"""Characters of what a browser calls itself."""
THE_PAGE = "the log-in page"
KNOWN = 90 * 86_400
"""Seconds for which the place of a log-in is known."""


class OpenLogIn(Message, frozen=True):
    """A log-in at the log-in page, or (`trusted`) a browser that is asked for no code until `until`.

    Times in ISO 8601, empty where they are not known; `browser` is what it called itself.
    """

    ident: str
    place: str
    since: str
    trusted: bool
    until: str
    browser: str


class OpenLogIns(Done, frozen=True):
    """The log-ins that are open, and the trusted browsers."""

    log_ins: tuple[OpenLogIn, ...] = ()


class ShowLogIns(Owned[OpenLogIns], frozen=True):
    """List the log-ins that are open at the log-in page, and the browsers that it trusts."""


class EndLogIn(Owned[Done], frozen=True):
    """End one of them, by its identifier."""

    log_in: Text


class Entered(Request[Done], frozen=True):
    """Somebody has logged in by the provider. From a place that the account does not know, the agent is told."""

    source: Text
    uid: Text
    how: Text


class SessionsEnded(Request[Done], frozen=True):
    """An operator (`by`) has ended an agent's log-ins at the provider."""

    source: Text
    uid: Text
    by: Text
    reason: Text
    many: Count


@call(cost=costs.LOOK)
def show_log_ins(context: Context, request: ShowLogIns) -> OpenLogIns:
    """Read them at the log-in page."""
    holder = context.owner(request.uid)
    with reached(what=THE_PAGE):
        sessions = [one.as_dict() for one in context.tools.hosts.log_ins(holder.uid)]
    shown = fitting(
        OpenLogIn(
            one["id"], one["address"], one["since"], one["trusted_browser"], one["until"],
            " ".join(one["browser"].split())[:LONGEST],
        )
        for one in sessions
    )  # fmt: skip
    return OpenLogIns(holder.uid, holder.state.value, log_ins=shown)


@call(cost=costs.PROTECT)
def end_log_in(context: Context, request: EndLogIn) -> Done:
    """End it there and at the services that it opened."""
    holder = context.owner(request.uid)
    with reached(what=THE_PAGE):
        untold = context.tools.hosts.end_log_in(holder.uid, request.log_in)
    if untold is None:
        raise InputError("no such log-in")
    not_told = {"not_told": list(untold)} if untold else {}
    context.journal.write("sso-end", holder.uid, sessions=1, **not_told)
    return Done(holder.uid, holder.state.value, open=tuple(untold))


@call(who=Who.PROVIDER, cost=costs.LOG_IN)
def entered(context: Context, request: Entered) -> Done:
    """Record a log-in; tell its owner where the place is new."""
    entry = active(context, request.uid)
    uid, throttle = entry.attributes["uid"][0], context.tools.throttle
    context.tools.note(LogIn(uid, True, PAGE, context.source))
    if throttle and throttle.place(uid, context.network, KNOWN):
        context.journal.write("new-place", uid, how=request.how)
        tell(context, entry, lambda to: notice.place(request.source, uid, to, context.tools.facts(), context.now))
    return said(entry)


@call(who=Who.PROVIDER)
def sessions_ended(context: Context, request: SessionsEnded) -> Done:
    """Write it down."""
    uid = known_as(request.uid)
    context.journal.write("sso-end", uid, sessions=request.many, note=request.reason)
    return Done(uid)
