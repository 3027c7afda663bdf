"""The rights of the DSI: the role, and a second factor that was shown lately."""

from __future__ import annotations

from typing import Any

from malleposte.accountd.context import Context, ForbiddenError
from malleposte.accountd.message import Forbidden, Owned
from malleposte.accounts import roles


def officer(context: Context, request: Owned[Any]) -> str:
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
