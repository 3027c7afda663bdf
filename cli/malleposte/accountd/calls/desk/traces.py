"""The help desk looks for a message that did not arrive, for an agent of its schools."""

from __future__ import annotations

from msgspec import structs

from malleposte.accountd.call import Who, call
from malleposte.accountd.calls.mailbox.trace import MessagesTraced, query, traced
from malleposte.accountd.context import Context
from malleposte.accountd.desk import begun, count_act, noted
from malleposte.accountd.message import Owned, Text
from malleposte.directory.model import first
from malleposte.throttle import costs


class DeskTrace(Owned[MessagesTraced], frozen=True):
    """As `TraceMessages`, of somebody else. Addresses of others are masked, but for the `sender` that is asked for."""

    target: Text
    reason: Text
    sender: Text = ""
    word: Text = ""


@call(who=Who.DESK, cost=costs.LOOK, slow=True)
@noted
def desk_trace(context: Context, request: DeskTrace) -> MessagesTraced:
    """Ask the hosts of mail; the journal has it before they answer."""
    actor, entry, reason = begun(context, request)
    uid = first(entry.attributes, "uid")
    asked = query(context, uid, request.sender, request.word)
    count_act(context, actor)
    context.journal.write("desk-trace", uid, note=reason)
    answer = traced(context, asked, uid, masked=True)
    return structs.replace(answer, uid=uid, before=first(entry.attributes, "mpState"))
