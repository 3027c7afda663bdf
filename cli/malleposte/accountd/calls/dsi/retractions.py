"""A person of the DSI has dangerous messages taken back from all boxes, and given back.

The work is root's, on the directory's host (`accounts.retraction`): these calls give orders and show what came of them.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable

import msgspec

from malleposte.accountd.call import Who, call
from malleposte.accountd.calls.dsi.officer import officer
from malleposte.accountd.context import Context, ForbiddenError, NotFoundError, RefusedValueError, reached, reason_of
from malleposte.accountd.message import Done, Forbidden, Owned, Text, fitting
from malleposte.accounts import roles
from malleposte.accounts.retraction import note, plan
from malleposte.accounts.retraction.model import Order, Stage
from malleposte.accounts.retraction.orders import Shown, Summary
from malleposte.core.errors import InputError
from malleposte.deliveries import digests
from malleposte.deliveries.model import Query
from malleposte.directory.model import State, first
from malleposte.platform import idents
from malleposte.throttle import costs

__all__ = [
    "DsiGiveBack", "DsiPlanRetraction", "DsiRetract", "DsiRetraction", "DsiRetractions", "Order", "RetractionShown",
    "Retractions", "Shown", "Stage", "Summary",
]  # fmt: skip
DAYS = 30
"""Days that a plan looks through."""
PLANS_A_DAY = 40
"""Plans that a person may have made in a day: each reads every box that got a message."""


class Retractions(Done, frozen=True):
    """The retractions of the last days, the newest first; `more`: and others."""

    retractions: tuple[Summary, ...] = ()
    more: bool = False


class RetractionShown(Done, frozen=True):
    """A retraction with its plan. `mine`: whether the person who asks has agreed to it."""

    shown: Shown = msgspec.field(default_factory=Shown)
    mine: bool = False


class DsiRetractions(Owned[Retractions], frozen=True):
    """List the retractions."""


class DsiRetraction(Owned[RetractionShown], frozen=True):
    """Show one."""

    retraction: Text


class DsiPlanRetraction(Owned[RetractionShown], frozen=True):
    """Have a plan made of the messages of the last days that have all of this.

    `sender` is an address or a domain, `word` has words of the subject, `link` is the host of a link; one of them at
    least, or a `message_id`. `refuse_link`: the filter is to refuse mail with a link to that host.
    """

    reason: Text
    sender: Text = ""
    word: Text = ""
    message_id: Text = ""
    link: Text = ""
    refuse_link: bool = False


class DsiRetract(Owned[RetractionShown], frozen=True):
    """Have the messages of a plan taken out, or agree to it as the second person."""

    retraction: Text


class DsiGiveBack(Owned[RetractionShown], frozen=True):
    """Have the messages given back."""

    retraction: Text


@call(who=Who.DSI, cost=costs.LOOK)
def dsi_retractions(context: Context, request: DsiRetractions) -> Retractions:
    """Read them on the directory's host."""
    uid = officer(context, request)
    every = _asked(context.tools.hosts.retractions)
    shown = fitting(every)
    return Retractions(uid, retractions=shown, more=len(shown) < len(every))


@call(who=Who.DSI, cost=costs.LOOK)
def dsi_retraction(context: Context, request: DsiRetraction) -> RetractionShown:
    """Read it."""
    uid = officer(context, request)
    return _shown(uid, _asked(context.tools.hosts.retraction, _ident(request.retraction)))


@call(who=Who.DSI)
def dsi_plan_retraction(context: Context, request: DsiPlanRetraction) -> RetractionShown:
    """Order the plan, and show what is known of it until it is made."""
    uid, reason = officer(context, request), reason_of(request.reason)
    query = _query(context, request)
    taken = context.tools.limits.day(uid, "retractions", PLANS_A_DAY)
    if taken.wait:
        raise ForbiddenError(Forbidden.CAP)
    context.taken.append(taken)
    ident = _asked(context.tools.hosts.ask_retraction, uid, reason, query, request.refuse_link)
    if not ident:
        raise ForbiddenError(Forbidden.CAP)
    context.journal.write("dsi-retraction-plan", uid, retraction=ident, note=reason)
    return _shown(uid, _asked(context.tools.hosts.retraction, ident))


@call(who=Who.DSI)
def dsi_retract(context: Context, request: DsiRetract) -> RetractionShown:
    """Order it, or note that one of two persons agrees; the others of the DSI are then written to."""
    answer, changed = _ordered(context, request, Order.TAKE, "dsi-retract")
    if changed and answer.shown.summary.order is Order.NONE:
        _ask_the_others(context, answer.shown.summary)
    return answer


@call(who=Who.DSI)
def dsi_give_back(context: Context, request: DsiGiveBack) -> RetractionShown:
    """Order it."""
    return _ordered(context, request, Order.GIVE_BACK, "dsi-give-back")[0]


def _query(context: Context, request: DsiPlanRetraction) -> Query:
    """Return what a plan looks for. Raises RefusedValueError."""
    if request.word.strip() and not digests.words(request.word):
        raise RefusedValueError(f"a word of a subject has {digests.SHORTEST} letters at least")
    if request.refuse_link and not request.link.strip():
        raise RefusedValueError("no host of a link is given")
    facts = context.tools.facts()
    ours = context.tools.domain, facts.portal, facts.server, facts.dav
    if request.refuse_link and plan.is_ours(request.link, ours):
        raise RefusedValueError("mail with a link to the platform itself is not refused")
    sender = request.sender.strip().lower()
    sender = f"@{sender}" if sender and "@" not in sender else sender
    since = int((context.now - datetime.timedelta(days=DAYS)).timestamp())
    query = Query(since=since, sender=sender, message_id=request.message_id, word=request.word, host=request.link)
    try:
        return query.checked()
    except InputError as error:
        raise RefusedValueError("nothing to look for") from error


def _ordered(
    context: Context, request: DsiRetract | DsiGiveBack, order: Order, action: str
) -> tuple[RetractionShown, bool]:
    """Give an order; return what is shown, and whether it changed anything."""
    uid, ident, hosts = officer(context, request), _ident(request.retraction), context.tools.hosts
    with context.alone(ident, "retraction"):
        before = _asked(hosts.retraction, ident)
        answer = _shown(uid, _asked(hosts.order_retraction, ident, order, uid))
        changed = before is not None and before.summary != answer.shown.summary
        if changed:
            context.journal.write(action, uid, retraction=ident, note=answer.shown.summary.reason)
    return answer, changed


def _ask_the_others(context: Context, one: Summary) -> None:
    """Write to the others of the DSI that a retraction waits for a second person."""
    facts = context.tools.facts()
    people = context.directory.search("people", ("uid", "mail", "mpState"), {roles.ATTRIBUTE: roles.DSI})
    for entry in people:
        uid = first(entry.attributes, "uid").lower()
        if uid not in one.persons and first(entry.attributes, "mpState") == State.ACTIVE:
            context.tell(entry, lambda to: note.agreement(one.ident, one.reason, one.boxes, to, facts, context.now))


def _asked[**P, R](act: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Ask the directory's host. Raises DirectoryError."""
    with reached(what="the directory's host"):
        return act(*args, **kwargs)


def _ident(typed: str) -> str:
    """Return the name of a retraction. Raises RefusedValueError."""
    if not re.fullmatch(idents.IDENT, typed):
        raise RefusedValueError("no name of a retraction")
    return typed


def _shown(uid: str, one: Shown | None) -> RetractionShown:
    """Return what is shown of a retraction. Raises NotFoundError where there is none."""
    if one is None:
        raise NotFoundError("no such retraction")
    return RetractionShown(uid, shown=one, mine=uid in one.summary.persons)
