"""Log-ins at the log-in page and the browsers that it trusts: their owner sees each, names its browser, and ends it.

The page tells of each. From a new place, the agent is told. The name of a browser is kept with the account, by the
digest of the cookie by which the page knows the browser again, so that later log-ins have it too.
"""

from __future__ import annotations

from collections.abc import Iterable

from malleposte.accountd.call import Who, call
from malleposte.accountd.calls.factors import active, said
from malleposte.accountd.context import Context, RefusedValueError, known_as, reached
from malleposte.accountd.message import Browser, Count, Done, Message, Owned, Request, Text, fitting
from malleposte.accounts.credentials.factors import notice
from malleposte.core.errors import InputError
from malleposte.platform.times import stamp
from malleposte.throttle import costs
from malleposte.throttle.record.model import PAGE, LogIn

LONGEST = 300
"""Characters of what a browser calls itself."""
LONGEST_NAME = 40
"""Characters of the name of a browser."""
NAMES, MOST_NAMES = "mpBrowserName", 20
"""The attribute with the names, each after the time at which it was given and the digest; how many there are."""
THE_PAGE = "the log-in page"
KNOWN = 90 * 86_400
"""Seconds for which the place of a log-in is known."""


class OpenLogIn(Message, frozen=True):
    """A log-in at the log-in page, or (`trusted`) a browser that is asked for no code until `until`.

    Times in ISO 8601, empty where they are not known; `browser` is what it called itself, `name` its owner's word for
    it. One that keeps no cookie takes no name.
    """

    ident: str
    place: str
    since: str
    trusted: bool
    until: str
    browser: str
    name: str = ""
    takes_name: bool = False


class OpenLogIns(Done, frozen=True):
    """The log-ins that are open, and the trusted browsers."""

    log_ins: tuple[OpenLogIn, ...] = ()


class ShowLogIns(Owned[OpenLogIns], frozen=True):
    """List the log-ins that are open at the log-in page, and the browsers that it trusts."""


class EndLogIn(Owned[Done], frozen=True):
    """End one of them, by its identifier."""

    log_in: Text


class NameBrowser(Owned[Done], frozen=True):
    """Name the browser of one of them, which has the name in later log-ins too; an empty name takes it away."""

    log_in: Text
    name: Text


class Entered(Request[Done], frozen=True):
    """Somebody has logged in by the provider. From a place that the account does not know, the agent is told."""

    source: Text
    uid: Text
    how: Text
    browser: Browser = ""


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
        sessions = context.tools.hosts.log_ins(holder.uid)
    names = names_of(context, holder.uid)
    shown = fitting(
        OpenLogIn(
            one["id"], one["address"], one["since"], one["trusted_browser"], one["until"],
            " ".join(one["browser"].split())[:LONGEST], names.get(session.digest, ""), bool(session.digest),
        )
        for session in sessions
        for one in (session.as_dict(),)
    )  # fmt: skip
    return OpenLogIns(holder.uid, holder.state.value, log_ins=shown)


@call(cost=costs.PROTECT)
def end_log_in(context: Context, request: EndLogIn) -> Done:
    """End it there and at the services that it opened."""
    holder = context.owner(request.uid)
    names = names_of(context, holder.uid)
    with reached(what=THE_PAGE):
        digest = digest_of(context, holder.uid, request.log_in) if names else ""
        untold = context.tools.hosts.end_log_in(holder.uid, request.log_in)
    if untold is None:
        raise InputError("no such log-in")
    facts = {"name": names.get(digest, ""), "not_told": list(untold)}
    context.journal.write("sso-end", holder.uid, sessions=1, **{word: fact for word, fact in facts.items() if fact})
    return Done(holder.uid, holder.state.value, open=tuple(untold))


@call()
def name_browser(context: Context, request: NameBrowser) -> Done:
    """Keep the name with the account; of too many, the one that was given longest ago goes."""
    holder, name = context.owner(request.uid), " ".join(request.name.split())
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise RefusedValueError(f"the name of a browser has {LONGEST_NAME} printable characters at most")
    with reached(what=THE_PAGE):
        digest = digest_of(context, holder.uid, request.log_in)
    if not digest:
        raise InputError("no such log-in, or its browser keeps no cookie")
    with context.alone(holder.uid):
        values = values_of(context, holder.uid)
        if by_digest(values).get(digest, "") != name:
            others = [value for value in values if value.split(" ", 2)[1] != digest]
            added = [f"{stamp(context.now)} {digest} {name}"] if name else []
            context.directory.modify(holder.dn, {NAMES: [*others, *added][-MOST_NAMES:]})
            context.journal.write("browser-name", holder.uid, name=name)
            context.journal.sync()
    return Done(holder.uid, holder.state.value)


def values_of(context: Context, uid: str) -> list[str]:
    """Return the names of an account's browsers as the directory has them, those given longest ago first."""
    return sorted(
        value
        for one in context.directory.search("people", [NAMES], {"uid": uid})
        for value in one.attributes.get(NAMES, ())
    )


def names_of(context: Context, uid: str) -> dict[str, str]:
    """Return the names of an account's browsers, by the digest of each."""
    return by_digest(values_of(context, uid))


def by_digest(values: Iterable[str]) -> dict[str, str]:
    """Return the names in values of the directory, by the digest of each browser."""
    return {digest: name for _given, digest, name in (value.split(" ", 2) for value in values)}


def digest_of(context: Context, uid: str, ident: str) -> str:
    """Return the digest of the browser of a log-in; empty where the account has no such log-in, or it keeps none."""
    return next((one.digest for one in context.tools.hosts.log_ins(uid) if one.ident == ident), "")


@call(who=Who.PROVIDER, cost=costs.LOG_IN)
def entered(context: Context, request: Entered) -> Done:
    """Record a log-in; tell its owner where the place is new."""
    entry = active(context, request.uid)
    uid, throttle = entry.attributes["uid"][0], context.tools.throttle
    name = names_of(context, uid).get(request.browser, "")
    context.tools.note(LogIn(uid, True, PAGE, context.source, name))
    if throttle and throttle.place(uid, context.network, KNOWN):
        context.journal.write("new-place", uid, how=request.how, name=name)
        context.tell(entry, lambda to: notice.place(request.source, name, uid, to, context.tools.facts(), context.now))
    return said(entry)


@call(who=Who.PROVIDER)
def sessions_ended(context: Context, request: SessionsEnded) -> Done:
    """Write it down."""
    uid = known_as(request.uid)
    context.journal.write("sso-end", uid, sessions=request.many, note=request.reason)
    return Done(uid)
