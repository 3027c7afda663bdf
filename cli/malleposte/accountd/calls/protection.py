"""An agent who was hacked, or fears it, closes the account: these calls are never refused for their number."""

from __future__ import annotations

from malleposte.accountd.call import call
from malleposte.accountd.context import Context, left_open, reason_of
from malleposte.accountd.message import Done, Owned, Text
from malleposte.accounts import acts
from malleposte.accounts.credentials import passwords
from malleposte.directory.model import first
from malleposte.throttle import costs


class Block(Owned[Done], frozen=True):
    """Hacked: the password void, sessions ended, nothing sent for as long as the policy says."""

    reason: Text


class EndSessions(Owned[Done], frozen=True):
    """End every session of an account, on all services."""


@call(cost=costs.PROTECT)
def block(context: Context, request: Block) -> Done:
    """Block the own account."""
    return block_account(context, request.uid, reason_of(request.reason))


def block_account(context: Context, uid: str, reason: str) -> Done:
    """Block an account; `Done.until` says until when it sends nothing. Raises NotFoundError."""
    holder = context.account(uid)
    context.tools.proofs.end(holder.uid)
    with context.alone(holder.uid):
        result = acts.block(context.acts, holder.uid, context.now, hours=context.tools.rules.block_hours, note=reason)
    after = passwords.read(context.directory, holder.uid) or holder
    until = first(after.attributes, "mpBlockedUntil")
    return Done(holder.uid, holder.state.value, until, left_open(result.failures))


@call(cost=costs.PROTECT)
def end_sessions(context: Context, request: EndSessions) -> Done:
    """End them."""
    holder = context.account(request.uid)
    context.tools.proofs.end(holder.uid)
    result = acts.end_sessions(context.acts, holder.uid)
    return Done(holder.uid, holder.state.value, open=left_open(result.failures))
