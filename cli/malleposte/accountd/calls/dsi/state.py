"""A person of the DSI sees the state of the platform."""

from __future__ import annotations

from malleposte.accountd.call import Who, call
from malleposte.accountd.calls.dsi.officer import officer
from malleposte.accountd.context import Context
from malleposte.accountd.message import Done, Owned
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
