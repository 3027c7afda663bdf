"""The help desk looks at the dangerous messages of an agent, which nobody's program shows, and hands some over.

Each look and each message that is handed over has a reason, which the agent reads in the journal.
"""

from __future__ import annotations

from malleposte.accountd.call import Who, call
from malleposte.accountd.calls.mailbox.quarantine import HeldMessages, Released, shown
from malleposte.accountd.context import Context, reached
from malleposte.accountd.desk import begun, count_act, noted
from malleposte.accountd.message import Owned, Text, Texts
from malleposte.core.errors import InputError
from malleposte.directory.model import first

PLACE = "sealed"


class DeskSealed(Owned[HeldMessages], frozen=True):
    """List the dangerous messages of an agent: sender, subject, time and reason, and nothing of the content."""

    target: Text
    reason: Text


class DeskUnseal(Owned[Released], frozen=True):
    """Put such messages into the inbox of the agent, each by its identifier, all or none."""

    target: Text
    messages: Texts
    reason: Text


@call(who=Who.DESK)
@noted
def desk_sealed(context: Context, request: DeskSealed) -> HeldMessages:
    """Look for them on the host of the mailbox; the journal has the look."""
    person, entry, reason = begun(context, request)
    count_act(context, person)
    uid = first(entry.attributes, "uid")
    context.journal.write("desk-sealed", uid, note=reason)
    with reached():
        messages = context.tools.hosts.kept_apart(uid, PLACE)
    first_messages, more = shown(messages)
    return HeldMessages(uid, first(entry.attributes, "mpState"), held=first_messages, more=more)


@call(who=Who.DESK, slow=True)
@noted
def desk_unseal(context: Context, request: DeskUnseal) -> Released:
    """Release them there."""
    person, entry, reason = begun(context, request)
    if not request.messages:
        raise InputError("no message is named")
    count_act(context, person)
    uid = first(entry.attributes, "uid")
    with reached((OSError,)):  # the host's own words tell of messages that are there no more
        many = context.tools.hosts.release(uid, PLACE, request.messages)
    context.journal.write("desk-unseal", uid, messages=many, note=reason)
    return Released(uid, first(entry.attributes, "mpState"), many=many)
