"""Calls for a person of the DSI who has shown a second factor lately."""

from __future__ import annotations

from malleposte.accountd.call import Who, call
from malleposte.accountd.context import Context, ForbiddenError
from malleposte.accountd.message import Done, Forbidden, Owned
from malleposte.accounts import roles
from malleposte.throttle import costs


class SeeState(Owned[Done], frozen=True):
    """Say whether the agent who is logged in may see the state of the platform.

    That is for accounts with the role `dsi`, by a second factor that was shown lately. What is refused is `forbidden`,
    with a word of `Forbidden`.
    """


@call(who=Who.DSI, cost=costs.LOOK)
def see_state(context: Context, request: SeeState) -> Done:
    """Judge by the directory and the provider's token."""
    return Done(officer(context, request))


def officer(context: Context, request: Owned[Done]) -> str:
    """Return the uid of the person of the DSI who acts. Raises ForbiddenError, NotFoundError, NotProvedError."""
    proved = context.tools.proofs.proved(request.token)
    holder = context.owner(proved.uid)
    entry = next(iter(context.directory.search("people", (roles.ATTRIBUTE,), {"uid": holder.uid})), None)
    if entry is None or not roles.is_dsi(entry.attributes.get(roles.ATTRIBUTE, [])):
        raise ForbiddenError(Forbidden.DSI)
    if not proved.by_factor:
        raise ForbiddenError(Forbidden.FACTOR)
    if not proved.lately:
        raise ForbiddenError(Forbidden.LATELY)
    return holder.uid
