"""The help desk acts on an agent of its schools: gives a code, blocks the account, removes a factor that was lost."""

from __future__ import annotations

import logging

from malleposte.accountd.call import Who, call
from malleposte.accountd.calls.desk.looks import CODE_WAYS, hindrance
from malleposte.accountd.calls.factors import factor_removed, factors_of, take_out
from malleposte.accountd.calls.protection import block_account
from malleposte.accountd.context import Context, ForbiddenError
from malleposte.accountd.desk import Actor, begun, count, count_act, noted
from malleposte.accountd.message import Done, Forbidden, Owned, Secret, Text
from malleposte.accounts import acts, life
from malleposte.accounts.credentials import codes
from malleposte.accounts.credentials.factors import notice
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.adapters import sms
from malleposte.core.errors import MallepostError
from malleposte.directory.errors import DirectoryError
from malleposte.directory.model import State, first
from malleposte.directory.protocol import Entry
from malleposte.throttle import costs

LOG = logging.getLogger("accountd")
ALOUD_MINUTES = 60
"""For which a code that was read aloud is good."""


class CodeGiven(Done, frozen=True):
    """A code was made: `until` is its end; `secret` the code itself where it is read aloud, to be shown once."""

    secret: Secret = ""


class DeskCode(Owned[CodeGiven], frozen=True):
    """Give an agent an INA code by a way of `CODE_WAYS`; `letter` asks the academy to print a new letter.

    `aloud` is for an agent who was called back at a number that the academy knows (`called_back`).
    """

    target: Text
    way: Text
    reason: Text
    called_back: bool = False


class DeskBlock(Owned[Done], frozen=True):
    """As `Block`, of somebody else's account."""

    target: Text
    reason: Text


class DeskRemoveFactor(Owned[Done], frozen=True):
    """Remove a second factor that an agent has lost. `factor` is its identifier in the sheet."""

    target: Text
    factor: Text
    reason: Text


@call(who=Who.DESK)
@noted
def desk_code(context: Context, request: DeskCode) -> CodeGiven:
    """Give one, unless something hinders it."""
    actor, entry, reason = begun(context, request)
    if request.way not in CODE_WAYS:
        raise MallepostError(f"a way is one of {', '.join(CODE_WAYS)}")
    hindered = hindrance(context, entry, request.way)
    if hindered is None and request.way == "aloud" and not request.called_back:
        hindered = Forbidden.CALL_BACK
    if hindered is not None:
        raise ForbiddenError(hindered)
    count_act(context, actor)
    uid = first(entry.attributes, "uid")
    with context.alone(uid):
        entry = acts.entry(context.directory, uid)
        if request.way == "letter":
            return _ask_for_letter(context, entry, reason)
        if request.way == "aloud":
            return _read_aloud(context, actor, entry, reason)
        return _send(context, entry, request.way, reason)


def _ask_for_letter(context: Context, entry: Entry, reason: str) -> CodeGiven:
    """The academy prints it (`malleposte accounts letters --asked`), with a new code that nobody here sees."""
    uid, now = first(entry.attributes, "uid"), [life.stamp(context.now)]
    change = Change(Kind.MODIFY, uid, entry.dn, {"mpLetterAsked": entry.attributes.get("mpLetterAsked", [])},
                    {"mpLetterAsked": now})  # fmt: skip
    acts.make(context.directory, context.journal, [change], reason)
    context.journal.write("desk-letter", uid, note=reason)
    return CodeGiven(uid, first(entry.attributes, "mpState"))


def _send(context: Context, entry: Entry, way: str, reason: str) -> CodeGiven:
    uid, to = first(entry.attributes, "uid"), context.recovery_of(entry, way)
    if not to:
        raise ForbiddenError(Forbidden.MEANS)
    if context.tools.limits.code(uid, context.network, to):
        raise ForbiddenError(Forbidden.CAP)
    days = context.tools.rules.code_minutes / 1440
    issued, change = codes.renew(entry, context.tools.keys, context.now, days, reason, way=codes.Way.MAIL)
    acts.make(context.directory, context.journal, [change])
    try:
        context.send_code(way, to, issued)
    except OSError as error:
        context.journal.write(f"desk-{way}", uid, sent=False, note=reason)
        LOG.error("a code could not be sent: %s", sms.reason(error))
        raise DirectoryError("the code could not be sent") from error
    context.journal.write(f"desk-{way}", uid, sent=True, note=reason)
    return CodeGiven(uid, first(entry.attributes, "mpState"), life.stamp(issued.expires))


def _read_aloud(context: Context, actor: Actor, entry: Entry, reason: str) -> CodeGiven:
    """A code that the help desk sees: it ends all others, and the owner is told before it is shown."""
    count(context, actor, "aloud", context.tools.rules.desk.read_aloud_a_day)
    uid, state = first(entry.attributes, "uid"), first(entry.attributes, "mpState")
    if not context.tell(entry, lambda to: notice.read_aloud(uid, to, context.tools.facts(), context.now)):
        raise DirectoryError("mail cannot be sent: no code was made")
    issued, change = codes.renew(entry, context.tools.keys, context.now, ALOUD_MINUTES / 1440, reason)
    acts.make(context.directory, context.journal, [change])
    context.journal.write("desk-aloud", uid, called_back=True, note=reason)
    context.journal.sync()
    return CodeGiven(uid, state, life.stamp(issued.expires), secret=issued.shown)


@call(who=Who.DESK, cost=costs.BLOCK)
@noted
def desk_block(context: Context, request: DeskBlock) -> Done:
    """Block it."""
    actor, entry, reason = begun(context, request)
    count_act(context, actor)
    uid = first(entry.attributes, "uid")
    if first(entry.attributes, "mpState") == State.SUSPENDED:
        raise ForbiddenError(Forbidden.STATE)
    context.journal.write("desk-block", uid, note=reason)
    return block_account(context, uid, reason)


@call(who=Who.DESK)
@noted
def desk_remove_factor(context: Context, request: DeskRemoveFactor) -> Done:
    """Remove it at the log-in page; the agent is told."""
    actor, entry, reason = begun(context, request)
    uid = first(entry.attributes, "uid")
    if first(entry.attributes, "mpState") != State.ACTIVE:
        raise ForbiddenError(Forbidden.STATE)
    count_act(context, actor)
    factors = factors_of(context, uid)
    gone = next((one for one in factors if one.ident == request.factor), None)
    if gone is None:
        raise MallepostError("no such factor")
    take_out(context, uid, gone)
    context.journal.write("desk-factor", uid, kind=gone.kind, note=reason)
    return factor_removed(context, request.source, uid, gone, factors, by=actor.uid, reason=reason)
