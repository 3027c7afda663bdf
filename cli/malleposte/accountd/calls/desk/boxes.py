"""The help desk's calls about functional boxes of its schools: who opens them, one more delegate, one less.

Of a box, all schools must be in reach; one without a school is for the DSI. Who is given a box is judged as for every
act of the help desk. Who is in a box is taken out of it wherever he or she works now.
"""

from __future__ import annotations

import logging

from msgspec import structs

from malleposte.accountd.call import Who, call
from malleposte.accountd.calls.shared import charges
from malleposte.accountd.calls.shared.charges import BOX, ChargeList
from malleposte.accountd.context import Context, ForbiddenError, reason_of
from malleposte.accountd.desk import Actor, actor, count_act, noted, school, target
from malleposte.accountd.message import Forbidden, Owned, Text
from malleposte.accounts import boxes
from malleposte.accounts.mails import delegation
from malleposte.core.errors import MallepostError
from malleposte.directory.model import State, first
from malleposte.directory.protocol import Directory, Entry
from malleposte.directory.query import AnyOf, Equal
from malleposte.throttle import costs

LOG = logging.getLogger("accountd")


class DeskBoxes(Owned[ChargeList], frozen=True):
    """List the functional boxes of a `school`, or one `box` with its delegates, as `Charges` does."""

    school: Text = ""
    box: Text = ""


class DeskSetDelegate(Owned[ChargeList], frozen=True):
    """Let an agent open a box of a school (`add`), or no more. What comes back is that of `DeskBoxes` with a `box`."""

    box: Text
    target: Text
    reason: Text
    add: bool = False


@call(who=Who.DESK, cost=costs.LOOK)
def desk_boxes(context: Context, request: DeskBoxes) -> ChargeList:
    """List them, or show one."""
    person = actor(context, request)
    if request.box:
        return charges.whole(context.directory, person.uid, BOX, _box(context.directory, person, request.box))
    uai = school(person, request.school)
    entries = context.directory.search("functional", boxes.BOX, {"mpEstablishment": uai})
    return charges.listed(person.uid, (charges.shown(BOX, one) for one in entries if _is_covered(person, one)))


@call(who=Who.DESK)
def desk_set_delegate(context: Context, request: DeskSetDelegate) -> ChargeList:
    """Do it for the agent who has an address: what is refused is in that account's journal."""
    return _set_delegate(context, structs.replace(request, target=_uid(context.directory, request.target)))


@noted
def _set_delegate(context: Context, request: DeskSetDelegate) -> ChargeList:
    person = actor(context, request)
    reason = reason_of(request.reason)
    with context.alone(charges.lock(BOX, request.box)):
        box = _box(context.directory, person, request.box)
        uid, name = request.target, first(box.attributes, "uid")
        delegates = box.attributes.get("mpDelegate", [])
        agent = target(context, person, uid, anywhere=not request.add and uid in delegates)
        if request.add and first(agent.attributes, "mpState") == State.SUSPENDED:
            raise ForbiddenError(Forbidden.STATE)
        count_act(context, person)
        note = f"boîte {name}\N{NO-BREAK SPACE}: {reason}"
        failures = charges.delegated(context, box, uid, add=request.add, note=note)
        if failures is not None:
            context.journal.write("desk-delegate" if request.add else "desk-undelegate", uid, box=name, note=note)
            _tell(context, box, agent, reason, added=request.add)
        answer = charges.whole(context.directory, person.uid, BOX, _box(context.directory, person, name))
    return structs.replace(answer, open=tuple(one.channel for one in failures or ()))


def _tell(context: Context, box: Entry, agent: Entry, reason: str, *, added: bool) -> None:
    """Tell everybody who opens the box. What cannot be told is in the journal."""
    uid, mail = first(box.attributes, "uid"), first(box.attributes, "mail")
    who = f"{first(agent.attributes, 'cn')} ({first(agent.attributes, 'uid')})"
    try:
        facts = context.tools.facts()
        context.tools.letters.post(delegation.letter(uid, who, reason, mail, facts, context.now, added=added))
    except (OSError, ValueError, MallepostError) as error:
        context.journal.write("told", uid, sent=False, reason=type(error).__name__)
        LOG.error("a change of delegates could not be told to the box: %s", type(error).__name__)


def _is_covered(actor: Actor, box: Entry) -> bool:
    schools = box.attributes.get("mpEstablishment", [])
    return bool(schools) and all(actor.covers([one]) for one in schools)


def _box(directory: Directory, actor: Actor, name: str) -> Entry:
    """A box in reach. Raises ForbiddenError, which says the same of one that is not there."""
    entry = next(iter(directory.search("functional", boxes.BOX, {"uid": name.strip().lower() or "-"})), None)
    if entry is None or not _is_covered(actor, entry):
        raise ForbiddenError(Forbidden.REACH)
    return entry


def _uid(directory: Directory, typed: str) -> str:
    """The uid of whoever has that log-in or address; what was typed, where nobody has it."""
    name = typed.strip().lower()
    query = AnyOf(tuple(Equal(key, name or "-") for key in ("uid", "mpLoginAlias", "mailLocalAddress")))
    uids = [first(one.attributes, "uid").lower() for one in directory.search("people", ("uid",), query)]
    return name if name in uids or len(uids) != 1 else uids[0]
