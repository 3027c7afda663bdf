"""Second factors of an agent: shown, removed, changed at the log-in page, where they lie. The agent is told."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec

from malleposte.accountd import own
from malleposte.accountd.call import Who, call
from malleposte.accountd.context import Context, known_as, reached
from malleposte.accountd.message import Browser, Done, Message, Owned, Request, Secret, Text, Texts
from malleposte.accounts import acts
from malleposte.accounts.channels import forget_all
from malleposte.accounts.credentials import codes
from malleposte.accounts.credentials.factors import notice, recovery
from malleposte.accounts.credentials.passwords import NotProvedError, Proof
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.adapters import lemonldap
from malleposte.core.errors import MallepostError
from malleposte.directory.errors import DirectoryError
from malleposte.directory.model import State, first
from malleposte.directory.protocol import Entry
from malleposte.throttle import costs
from malleposte.throttle.record.model import Kept

LOG = logging.getLogger("accountd")
LOG_IN_PAGE = "the log-in page"
_READ = ("uid", "mail", "mpState", "mpTwoFactor", recovery.ATTRIBUTE, *codes.ATTRIBUTES)


class Factor(Message, frozen=True):
    """A second factor: `kind` is the provider's word, `made` when it was enrolled (ISO 8601), empty where not known."""

    ident: str
    kind: str
    name: str
    made: str = ""


class FactorList(Done, frozen=True):
    """The second factors of an account.

    `closes`: the first one will close the main password to programs and phones; `diagnosis` has the log-ins of those
    that use it.
    """

    factors: tuple[Factor, ...] = ()
    closes: bool = False
    diagnosis: own.Diagnosis = msgspec.field(default_factory=own.Diagnosis)


class RecoveryCodes(Done, frozen=True):
    """New recovery codes, to be shown once."""

    codes: tuple[Secret, ...] = ()


class ShowFactors(Owned[FactorList], frozen=True):
    """List the second factors of an account."""


class RemoveFactor(Owned[FactorList], frozen=True):
    """Remove a second factor by its identifier, while another is left. The password is asked again for it.

    The answer has the one that is gone.
    """

    password: Secret
    factor: Text
    browser: Browser = ""


class FactorChanged(Request[Done], frozen=True):
    """A second factor came (`added`) or went. `kinds` are those of all that the agent has now; the agent is told.

    `by` and `reason` say which operator removed it, and why; empty for the agent's own doing.
    """

    source: Text
    uid: Text
    kind: Text
    name: Text
    added: bool
    kinds: Texts = ()
    by: Text = ""
    reason: Text = ""


class MakeRecoveryCodes(Request[RecoveryCodes], frozen=True):
    """Make new recovery codes, in place of the old ones."""

    source: Text
    uid: Text


@call(cost=costs.LOOK)
def show_factors(context: Context, request: ShowFactors) -> FactorList:
    """List them."""
    uid = active(context, request.uid).attributes["uid"][0]
    factors = tuple(map(shown, factors_of(context, uid)))
    if factors or not context.tools.rules.factors_close:
        return FactorList(uid, factors=factors)
    record, whole = _by_password(context, uid)
    return FactorList(uid, closes=True, diagnosis=own.diagnosis(record, {}, None, looked=whole))


@call(paced=True)
def remove_factor(context: Context, request: RemoveFactor) -> FactorList:
    """Remove one, and tell its owner."""
    uid = active(context, request.uid).attributes["uid"][0]
    with context.tried(request, uid, request.password), context.alone(uid):
        if context.passwords.prove(uid, request.password) is not Proof.RIGHT:
            raise context.refuse(request, uid)
        factors = factors_of(context, uid)
        gone = next((one for one in factors if one.ident == request.factor), None)
        if gone is None:
            raise MallepostError("no such factor")
        if len(factors) == 1:
            # Whoever has the password and a session would else open the account to the password alone.
            raise MallepostError("the last factor is removed on the log-in page or by the help desk")
        take_out(context, uid, gone)
    done = factor_removed(context, request.source, uid, gone, factors)
    return FactorList(done.uid, done.before, factors=(shown(gone),))


def factor_removed(
    context: Context, source: str, uid: str, gone: lemonldap.Factor, factors: Sequence[lemonldap.Factor],
    *, by: str = "", reason: str = "",
) -> Done:  # fmt: skip
    """Write down and tell that one of an account's factors went."""
    kinds = tuple(sorted({one.kind for one in factors if one is not gone}))
    return factor_changed(context, FactorChanged(source, uid, gone.kind, gone.name, False, kinds, by, reason))


@call(who=Who.PROVIDER, cost=costs.LOG_IN)
def factor_changed(context: Context, request: FactorChanged) -> Done:
    """A factor came or went: take it down, and tell its owner. Raises NotProvedError, DirectoryError."""
    uid, tools = active(context, request.uid).attributes["uid"][0], context.tools
    with context.alone(uid):
        entry = active(context, uid)
        context.journal.write(
            "factor-add" if request.added else "factor-remove", uid, kind=request.kind, name=request.name,
            **({"note": request.reason} if request.reason else {}),
        )  # fmt: skip
        before, kinds = sorted(entry.attributes.get("mpTwoFactor", ())), sorted(set(request.kinds))
        if tools.rules.factors_close and before != kinds:
            change = Change(Kind.MODIFY, uid, entry.dn, {"mpTwoFactor": before}, {"mpTwoFactor": kinds})
            acts.make(context.directory, context.journal, [change])
            # Dovecot remembers whose main password opens a device.
            forget_all(tools.channels, uid)
        closed = None
        if tools.rules.factors_close and request.added and not before:
            closed = [one.event.program or one.event.service for one in _by_password(context, uid)[0].logins]
        sent = context.tell(
            entry,
            lambda to: notice.factor(
                request.kind, request.name, added=request.added, login=uid, to=to, facts=tools.facts(),
                now=context.now, closed=closed,
            ),
        )  # fmt: skip
    if request.added and not sent:
        # As with devices: what its owner cannot be told is not done.
        raise DirectoryError("mail cannot be sent: no factor was added")
    return said(entry)


@call(who=Who.PROVIDER)
def make_recovery_codes(context: Context, request: MakeRecoveryCodes) -> RecoveryCodes:
    """Make new ones, and tell their owner."""
    uid, name = active(context, request.uid).attributes["uid"][0], recovery.ATTRIBUTE
    with context.alone(uid):
        entry = active(context, uid)
        new = recovery.make(context.tools.keys, uid)
        before = list(entry.attributes.get(name, ()))
        change = Change(Kind.MODIFY, uid, entry.dn, {name: before}, {name: new.values})
        acts.make(context.directory, context.journal, [change], "new recovery codes")
    context.tell(entry, lambda to: notice.codes(uid, to, context.tools.facts(), context.now))
    return RecoveryCodes(uid, first(entry.attributes, "mpState"), codes=new.shown)


def _by_password(context: Context, uid: str) -> tuple[Kept, bool]:
    """Return the programs and phones that enter with the main password, and whether every host was asked."""
    try:
        record, failures = context.tools.hosts.record(uid)
    except (MallepostError, OSError) as error:
        LOG.error("the record of log-ins could not be read: %s", error)
        return Kept(), False
    return own.by_password(record), not failures


def factors_of(context: Context, uid: str) -> Sequence[lemonldap.Factor]:
    """Return the factors of an account. Raises DirectoryError where the log-in page gives no answer."""
    with reached(what=LOG_IN_PAGE):
        return context.tools.hosts.factors(uid)


def take_out(context: Context, uid: str, factor: lemonldap.Factor) -> None:
    """Remove a factor at the log-in page. Raises DirectoryError where that gives no answer."""
    with reached(what=LOG_IN_PAGE):
        context.tools.hosts.unfactor(uid, factor.ident)


def shown(factor: lemonldap.Factor) -> Factor:
    """Return a factor as its owner is told of it."""
    enrolled = factor.made.isoformat(timespec="seconds") if factor.made else ""
    return Factor(factor.ident, factor.kind, factor.name, enrolled)


def active(context: Context, uid: str) -> Entry:
    """Return the entry of an account that may log in. Raises NotProvedError."""
    entry = next(iter(context.directory.search("people", _READ, {"uid": known_as(uid) or "-"})), None)
    if entry is None or first(entry.attributes, "mpState") != State.ACTIVE:
        raise NotProvedError("not recognised")
    return entry


def said(entry: Entry) -> Done:
    """Return the plain answer about an account."""
    return Done(first(entry.attributes, "uid"), first(entry.attributes, "mpState"))
