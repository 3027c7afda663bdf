"""Calls of the log-in page for an agent whose password it has had proved, beside a change of factors (`factors`).

The factors lie with the log-in page, which alone checks their codes. Here is what must hold wherever one logs in: wrong
codes wait as wrong passwords do, by account and network; a code serves once; recovery codes and codes of the desk are
proved and spent.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Mapping, Sequence

from malleposte.accountd.call import Counts, Who, call
from malleposte.accountd.calls.factors import active, said
from malleposte.accountd.context import Context
from malleposte.accountd.message import Browser, Done, Request, Secret, Text
from malleposte.accounts import acts, life, roles
from malleposte.accounts.credentials import codes
from malleposte.accounts.credentials.factors import notice, recovery
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.core.errors import MallepostError
from malleposte.directory.model import first
from malleposte.directory.protocol import Entry
from malleposte.platform.times import when
from malleposte.throttle import costs

LOG = logging.getLogger("accountd")
ONCE = 300
"""Seconds for which a code is remembered: longer than any one-time password is good."""
RECOVERY, INA, MAIL = "recovery", "ina", "mail"
OPENS: Mapping[str, Sequence[codes.Way]] = {
    INA: (codes.Way.DESK, codes.Way.LETTER),
    MAIL: (codes.Way.FACTOR,),
}
"""By kind, the codes that let somebody enrol a factor: none that is mailed on anybody's request."""


class TryFactor(Request[Done], frozen=True):
    """Whether a code of a second factor may be looked at now. It then counts as a try, and this code serves no more.

    `kind` is the provider's word for the factor (`totp`).
    """

    source: Text
    uid: Text
    kind: Text
    code: Secret
    browser: Browser = ""


class FactorTried(TryFactor, frozen=True):
    """The provider's verdict on a code that `TryFactor` let it look at."""

    right: bool = False


class SpendCode(TryFactor, frozen=True):
    """Prove and spend a code that accountd knows itself.

    `kind` is `recovery` (one of the agent's own), `ina` (from the desk) or `mail` (sent by `MailFactorCode`).
    """


class MailFactorCode(Request[Done], frozen=True):
    """Send a code to the recovery address, in place of a second factor that was lost. The answer is always the same."""

    source: Text
    uid: Text


@call(who=Who.PROVIDER, cost=costs.LOG_IN, counts=Counts.FACTOR)
def try_factor(context: Context, request: TryFactor) -> Done:
    """Let a code be looked at, once."""
    entry = active(context, request.uid)
    uid, code, throttle = entry.attributes["uid"][0], codes.normalise(request.code), context.tools.throttle
    trial, name = context.begun(request, uid, code), Counts.FACTOR.value + uid
    fresh = context.tools.limits.once(name, code, ONCE)
    if throttle and not throttle.once(name, code, ONCE):
        fresh = False
    if not fresh:
        trial.wrong()
        raise context.refuse(request, uid)
    return said(entry)


@call(who=Who.PROVIDER, cost=costs.LOG_IN, counts=Counts.FACTOR)
def factor_tried(context: Context, request: FactorTried) -> Done:
    """Count a verdict."""
    entry = active(context, request.uid)
    uid = entry.attributes["uid"][0]
    trial = context.trial(request, uid, codes.normalise(request.code))
    if request.right:
        trial.right()
    else:
        trial.wrong()
        context.refuse(request, uid)
    return said(entry)


@call(who=Who.PROVIDER, cost=costs.LOG_IN, paced=True, counts=Counts.FACTOR, asks_slapd=False)
def spend_code(context: Context, request: SpendCode) -> Done:
    """Spend a code, and tell its owner."""
    uid, keys = active(context, request.uid).attributes["uid"][0], context.tools.keys
    code, left = codes.normalise(request.code), list[str]()
    with context.tried(request, uid, code), context.alone(uid):
        entry = active(context, uid)
        attributes = entry.attributes
        if request.kind == RECOVERY and (value := recovery.matching(keys, uid, code, attributes)):
            before = list(attributes[recovery.ATTRIBUTE])
            left = [one for one in before if one != value]
            change = Change(Kind.MODIFY, uid, entry.dn, {recovery.ATTRIBUTE: before}, {recovery.ATTRIBUTE: left})
        elif codes.matches(keys, uid, code, attributes, context.now, OPENS.get(request.kind, ())):
            spent = {name: list(attributes.get(name, [])) for name in codes.SPENT}
            change = Change(Kind.MODIFY, uid, entry.dn, spent, dict(codes.SPENT))
        else:
            raise context.refuse(request, uid)
        note = f"a {request.kind} code was spent at the log-in page"
        acts.make(context.directory, context.journal, [change], note)
    if request.kind == RECOVERY:
        context.tell(entry, lambda to: notice.spent(len(left), uid, to, context.tools.facts(), context.now))
    elif request.kind == MAIL:
        context.tell(entry, lambda to: notice.by_mail(uid, to, context.tools.facts(), context.now))
    return said(entry)


@call(who=Who.PROVIDER, cost=costs.LOG_IN)
def mail_factor_code(context: Context, request: MailFactorCode) -> Done:
    """Send a code."""
    uid, tools = active(context, request.uid).attributes["uid"][0], context.tools
    with context.alone(uid):
        entry = acts.entry(context.directory, uid)
        to = life.usable_recovery(entry, context.now).mail
        reason = _hindrance(context, entry, to)
        if reason:
            context.journal.write("factor-code", uid, sent=False, reason=reason)
            return said(entry)
        days = tools.rules.code_minutes / 1440
        issued, change = codes.renew(entry, tools.keys, context.now, days, way=codes.Way.FACTOR)
        acts.make(context.directory, context.journal, [change])
    try:
        tools.letters.post(notice.code(issued, uid, to, tools.facts(), context.now))
    except (OSError, ValueError, MallepostError) as error:
        LOG.error("a code could not be sent: %s", type(error).__name__)
        context.journal.write("factor-code", uid, sent=False, reason=type(error).__name__)
    else:
        context.journal.write("factor-code", uid, sent=True)
    return said(entry)


def _hindrance(context: Context, entry: Entry, to: str) -> str:
    """Return the reason for which no code goes to a recovery address; empty when one does."""
    attributes = entry.attributes
    if attributes.get(roles.ATTRIBUTE):
        # Whoever acts on other accounts goes to the desk.
        return "has a role"
    if not to:
        return "no means of recovery"
    since = when(first(attributes, "pwdChangedTime"))
    if since and since + datetime.timedelta(hours=context.tools.rules.recovery_hours) > context.now:
        # The same other mailbox may have given the password: it must not give both.
        return "new password"
    return "too many" if context.tools.limits.code(first(attributes, "uid"), context.network, to) else ""
