"""Settings of an agent: the class of service, the hours in which new mail skips the inbox."""

from __future__ import annotations

import re

from malleposte.accountd.call import call
from malleposte.accountd.context import Context, RefusedValueError, left_open
from malleposte.accountd.message import Done, Owned, Text, Texts
from malleposte.accounts import acts
from malleposte.throttle import costs

_QUIET = re.compile(r"[1-7]{1,7} ([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]")


class SetClass(Owned[Done], frozen=True):
    """Another class of service."""

    profile: Text


class SetQuietHours(Owned[Done], frozen=True):
    """Set the hours in which new mail skips the inbox: `DAYS HH:MM-HH:MM`, days 1 (Monday) to 7. None: never."""

    hours: Texts = ()


@call(cost=costs.CLASS, slow=True)
def set_class(context: Context, request: SetClass) -> Done:
    """Change it, and bring filters, agendas and contacts along."""
    holder, classes = context.account(request.uid), context.tools.classes()
    if request.profile not in classes:
        raise RefusedValueError(f"a class of service is {' or '.join(sorted(classes))}")
    with context.alone(holder.uid, "class"):
        result = acts.set_class(context.acts, holder.uid, request.profile)
    return Done(holder.uid, holder.state.value, open=left_open(result.failures))


@call()
def set_quiet_hours(context: Context, request: SetQuietHours) -> Done:
    """Set them."""
    holder = context.account(request.uid)
    if any(not _QUIET.fullmatch(one) for one in request.hours):
        raise RefusedValueError("quiet hours are written like `12345 18:30-07:45`, days 1 (Monday) to 7")
    with context.alone(holder.uid):
        context.change(holder, {"mpQuietHours": list(dict.fromkeys(request.hours))})
    return Done(holder.uid, holder.state.value)
