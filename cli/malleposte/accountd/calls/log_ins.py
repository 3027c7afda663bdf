"""Log-ins at the log-in page and the browsers that it trusts: their owner sees each, and ends it."""

from __future__ import annotations

from malleposte.accountd.call import call
from malleposte.accountd.context import Context, reached
from malleposte.accountd.message import Done, Message, Owned, Text, fitting
from malleposte.core.errors import InputError
from malleposte.throttle import costs

LONGEST = 300
"""Characters of what a browser calls itself."""
PAGE = "the log-in page"


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


@call(cost=costs.LOOK)
def show_log_ins(context: Context, request: ShowLogIns) -> OpenLogIns:
    """Read them at the log-in page."""
    holder = context.owner(request.uid)
    with reached(what=PAGE):
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
    with reached(what=PAGE):
        untold = context.tools.hosts.end_log_in(holder.uid, request.log_in)
    if untold is None:
        raise InputError("no such log-in")
    not_told = {"not_told": list(untold)} if untold else {}
    context.journal.write("sso-end", holder.uid, sessions=1, **not_told)
    return Done(holder.uid, holder.state.value, open=tuple(untold))
