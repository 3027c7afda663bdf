"""Passwords: proved for a log-in elsewhere, changed, set anew by NUMEN and INA code; what is sent for that.

A call that proves something says no more than `not_proved` when it cannot: unknown log-in, wrong password, NUMEN or
code, a state that lets nobody in. (That the answers also take the same time is the server's part: see `Call.paced`.)
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from malleposte.accountd.call import Counts, call
from malleposte.accountd.context import Context, RefusedValueError, look_up
from malleposte.accountd.message import Browser, Done, ErrorCode, Refused, Request, Secret, Text
from malleposte.accountd.trial import SlowDownError
from malleposte.accounts import acts
from malleposte.accounts.credentials import codes
from malleposte.accounts.credentials import passwords as library
from malleposte.accounts.credentials.passwords import Holder, NotProvedError, Proof
from malleposte.accounts.feed import values
from malleposte.adapters import sms
from malleposte.directory.model import State, first
from malleposte.throttle import costs
from malleposte.throttle.record import model as record
from malleposte.throttle.record.model import LogIn

LOG = logging.getLogger("accountd")
_STATES_FOR_CODES = library.BY_CODES - {State.PENDING}


class Change(Request[Done], frozen=True):
    """The old password, also past its end, gives a new one."""

    source: Text
    login: Text
    old: Secret
    new: Secret
    browser: Browser = ""


class Prove(Request[Done], frozen=True):
    """Whether a password opens an account, for a log-in elsewhere. `Done.uid` is whose account the name means."""

    source: Text
    login: Text
    password: Secret
    browser: Browser = ""


class Reset(Request[Done], frozen=True):
    """NUMEN and INA code give a new password to an account that had one, blocked or not. `login` may be empty."""

    source: Text
    login: Text
    numen: Secret
    code: Secret
    new: Secret
    once: Text = ""
    question: Text = ""


class IssueCode(Request[Done], frozen=True):
    """Send a new INA code to the means of recovery that the account has. The answer never tells whether it was sent.

    `channel` is `mail` or `sms`; `once` and `question` as for `enrolment.Begin`.
    """

    source: Text
    login: Text
    channel: Text = "mail"
    once: Text = ""
    question: Text = ""


class RemindLogin(Request[Done], frozen=True):
    """Send the log-in of a NUMEN to the means of recovery that its account has; as `IssueCode`."""

    source: Text
    numen: Secret
    channel: Text = "mail"
    once: Text = ""
    question: Text = ""


@call(paced=True)
def change(context: Context, request: Change) -> Done:
    """Change it, and end what the old one opened."""
    uid = look_up(context.directory, request.login)
    with context.tried(request, uid, request.old), context.alone(uid):
        holder = library.read(context.directory, uid) if uid else None
        try:
            context.passwords.change(uid, request.old, request.new, context.now)
        except NotProvedError:
            raise context.refuse(request, uid) from None
        assert holder is not None
    return renewed(context, holder, holder.state)


@call(cost=costs.LOG_IN, paced=True)
def prove(context: Context, request: Prove) -> Done | Refused:
    """Prove it. A refusal is recorded; names that mean no account are not."""
    uid = look_up(context.directory, request.login)
    reason = ""
    try:
        answer = _prove(context, request, uid)
        reason = record.EXPIRED if isinstance(answer, Refused) else ""
    except SlowDownError:
        reason = record.WAIT
        raise
    except NotProvedError:
        reason = record.PASSWORD
        raise
    finally:
        if uid and reason:
            context.tools.note(LogIn(uid, False, record.PAGE, context.source, reason=reason))
    return answer


def _prove(context: Context, request: Prove, uid: str) -> Done | Refused:
    with context.tried(request, uid, request.password):
        holder = library.read(context.directory, uid) if uid else None
        proof = context.passwords.prove(uid, request.password)
        if holder is None or holder.state not in library.BY_OLD or not proof:
            raise context.refuse(request, uid)
    if proof is Proof.EXPIRED or holder.state is State.EXPIRED:
        return Refused(ErrorCode.MUST_RENEW)
    return Done(holder.uid, holder.state.value)


@call(paced=True, counts=Counts.CODES, asks_slapd=False)
def reset(context: Context, request: Reset) -> Done:
    """Set it anew."""
    uid = uid_of_numen(context, request.numen, request.login)
    with context.tried(request, uid, f"{request.numen}\0{request.code}"), context.alone(uid):
        holder = library.read(context.directory, uid or "-")
        attributes = holder.attributes if holder else {}
        right = codes.matches(context.tools.keys, uid, request.code, attributes, context.now)
        if holder is None or not right or holder.state not in library.BY_CODES:
            raise context.refuse(request, uid)
        if holder.state is State.PENDING:
            raise RefusedValueError("this account was never activated: it has a first log-in")
        before = context.passwords.set_after_codes(uid, request.new, context.now)
    return renewed(context, holder, before)


@call(paced=True, later=True)
def issue_code(context: Context, request: IssueCode) -> Done:
    """Send a code, where the account has a way for one that opens it."""
    uid = look_up(context.directory, request.login)
    with context.alone(uid):
        holder = library.read(context.directory, uid) if uid else None
        if holder is None or holder.state not in _STATES_FOR_CODES:
            return Done()
        entry = acts.entry(context.directory, uid)
        to = context.recovery_of(entry, request.channel)
        many = codes.waits(entry.attributes, context.now, codes.Way.MAIL) >= codes.MOST_MAILED
        opens = codes.opens(context.directory, uid)
        if not to or not opens or many or context.tools.limits.code(uid, context.network, to):
            reason = "no NUMEN" if not opens else "too many" if to else "no means of recovery"
            context.journal.write("code", uid, sent=False, reason=reason)
            return Done()
        days = context.tools.rules.code_minutes / 1440
        issued, renewal = codes.renew(entry, context.tools.keys, context.now, days, way=codes.Way.MAIL)
        acts.make(context.directory, context.journal, [renewal])
    with _sending(context, "code", uid, request.channel):
        context.send_code(request.channel, to, issued)
    return Done()


@call(paced=True, later=True, counts=Counts.CODES)
def remind_login(context: Context, request: RemindLogin) -> Done:
    """Send a log-in, where the account has a way for it."""
    uid = uid_of_numen(context, request.numen)
    holder = library.read(context.directory, uid or "-")
    if holder is None or holder.state not in _STATES_FOR_CODES:
        return Done()
    to = context.recovery_of(acts.entry(context.directory, uid), request.channel)
    if not to or context.tools.limits.code(uid, context.network, to):
        context.journal.write("login-sent", uid, sent=False, reason="too many" if to else "no means of recovery")
        return Done()
    with _sending(context, "login-sent", uid, request.channel):
        if request.channel == "sms" and context.tools.gateway:
            context.text(to, f"Votre identifiant de messagerie est {uid}")
        else:
            context.tools.letters.remind(to, uid, context.now)
    return Done()


def renewed(context: Context, holder: Holder, before: State) -> Done:
    """After a new password: remove old ones from every cache, reset the counts of wrong ones; return the answer."""
    context.forget_guesses(holder)
    until = first(holder.attributes, "mpBlockedUntil")
    return Done(holder.uid, before.value, until, context.close_sessions(holder.uid))


def uid_of_numen(context: Context, numen: str, login: str = "") -> str:
    """Return the uid of a NUMEN, if the log-in, where one is given, is the same agent's; else nothing."""
    try:
        numen = values.numen(numen)
    except values.BadValueError:
        numen = ""
    uid = codes.holder(context.directory, context.tools.keys, numen)
    return uid if not login or uid == look_up(context.directory, login) else ""


@contextlib.contextmanager
def _sending(context: Context, action: str, uid: str, channel: str) -> Iterator[None]:
    """Around what is sent: how it ended is in the journal, and nowhere else."""
    try:
        yield
    except OSError as error:
        context.journal.write(action, uid, sent=False, reason=sms.reason(error))
        LOG.error("%s could not be sent: %s", action, sms.reason(error))
    else:
        context.journal.write(action, uid, sent=True, channel=channel)
