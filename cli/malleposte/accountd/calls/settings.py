"""Settings of an agent: the class of service."""

from __future__ import annotations

from malleposte.accountd.call import call
from malleposte.accountd.context import Context, RefusedValueError, left_open
from malleposte.accountd.message import Done, Owned, Text
from malleposte.accounts import acts
from malleposte.throttle import costs


class SetClass(Owned[Done], frozen=True):
    """Another class of service."""

    profile: Text


@call(cost=costs.CLASS, slow=True)
def set_class(context: Context, request: SetClass) -> Done:
    """Change it, and bring filters, agendas and contacts along."""
    holder, classes = context.account(request.uid), context.tools.classes()
    if request.profile not in classes:
        raise RefusedValueError(f"a class of service is {' or '.join(sorted(classes))}")
    with context.alone(holder.uid, "class"):
        result = acts.set_class(context.acts, holder.uid, request.profile)
    return Done(holder.uid, holder.state.value, open=left_open(result.failures))
