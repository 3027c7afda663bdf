"""The help desk's calls about functional boxes of its schools: who opens them, one more delegate, one less.

Of a box, all schools must be in reach; one without a school is for the DSI. Who is given a box is judged as for every
act of the help desk. Who is in a box is taken out of it wherever he or she works now.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import structs

from malleposte.accountd import charges, desk, wire
from malleposte.accountd.desk import Actor, Desk, ForbiddenError
from malleposte.accountd.wire import Forbidden
from malleposte.accounts import boxes
from malleposte.accounts.mails import delegation
from malleposte.core.errors import MallepostError
from malleposte.directory.model import State, first
from malleposte.directory.protocol import Directory, Entry
from malleposte.directory.query import AnyOf, Equal

if TYPE_CHECKING:
    from malleposte.accountd.context import Context, Tools

LOG = logging.getLogger("accountd")


class DeskBoxes:
    """Does the calls."""

    def __init__(self, tools: Tools, ways: desk.Ways, judge: Desk) -> None:
        self._tools, self._ways, self._desk = tools, ways, judge

    @property
    def does(self) -> Mapping[type[Any], Callable[[Context, Any], wire.Answer]]:
        """Each call, and what does it."""
        return {wire.DeskBoxes: self._show, wire.DeskSetDelegate: self._named}

    def _show(self, act: Context, request: wire.DeskBoxes) -> wire.Answer:
        actor = self._desk.actor(act, request)
        if request.box:
            return charges.whole(act.directory, actor.uid, charges.BOX, _box(act.directory, actor, request.box))
        school = desk.school(actor, request.school)
        found = act.directory.search("functional", boxes.BOX, {"mpEstablishment": school})
        return charges.listed(actor.uid, (charges.told(charges.BOX, one) for one in found if _covered(actor, one)))

    def _named(self, act: Context, request: wire.DeskSetDelegate) -> wire.Answer:
        """An agent who is named by an address is who has it: what is refused is in that account's journal."""
        return desk.noted(self._set, act, structs.replace(request, target=_uid(act.directory, request.target)))

    def _set(self, act: Context, request: wire.DeskSetDelegate) -> wire.Answer:
        actor = self._desk.actor(act, request)
        reason = self._ways.said(request.reason)
        with self._ways.alone(charges.lock(charges.BOX, request.box)):
            box = _box(act.directory, actor, request.box)
            uid, name = request.target, first(box.attributes, "uid")
            held = box.attributes.get("mpDelegate", [])
            person = self._desk.target(act, actor, uid, anywhere=not request.add and uid in held)
            if request.add and first(person.attributes, "mpState") == State.SUSPENDED:
                raise ForbiddenError(Forbidden.STATE)
            self._desk.count(act, actor, "acts", self._tools.desk.acts_a_day)
            note = f"boîte {name}\N{NO-BREAK SPACE}: {reason}"
            left = charges.delegated(act, self._tools.channels, box, uid, add=request.add, note=note)
            if left is not None:
                act.journal.write("desk-delegate" if request.add else "desk-undelegate", uid, box=name, note=note)
                self._tell(act, box, person, reason, added=request.add)
            done = charges.whole(act.directory, actor.uid, charges.BOX, _box(act.directory, actor, name))
        return structs.replace(done, open=tuple(one.channel for one in left or ()))

    def _tell(self, act: Context, box: Entry, person: Entry, reason: str, *, added: bool) -> None:
        """Tell everybody who opens the box. What cannot be told is in the journal."""
        held = box.attributes
        who = f"{first(person.attributes, 'cn')} ({first(person.attributes, 'uid')})"
        try:
            letter = delegation.letter(
                first(held, "uid"), who, reason, first(held, "mail"), self._tools.facts(), act.now, added=added
            )
            self._tools.post(letter)
        except (OSError, ValueError, MallepostError) as error:
            act.journal.write("told", first(held, "uid"), sent=False, reason=type(error).__name__)
            LOG.error("a change of delegates could not be told to the box: %s", type(error).__name__)


def _covered(actor: Actor, box: Entry) -> bool:
    schools = box.attributes.get("mpEstablishment", [])
    return bool(schools) and all(actor.covers([one]) for one in schools)


def _box(directory: Directory, actor: Actor, name: str) -> Entry:
    """A box in reach. Raises ForbiddenError, which says the same of one that is not there."""
    found = next(iter(directory.search("functional", boxes.BOX, {"uid": name.strip().lower() or "-"})), None)
    if found is None or not _covered(actor, found):
        raise ForbiddenError(Forbidden.REACH)
    return found


def _uid(directory: Directory, typed: str) -> str:
    """The uid of whoever has that log-in or address; what was typed, where nobody has it."""
    name = typed.strip().lower()
    query = AnyOf(tuple(Equal(key, name or "-") for key in ("uid", "mpLoginAlias", "mailLocalAddress")))
    found = [first(one.attributes, "uid").lower() for one in directory.search("people", ("uid",), query)]
    return name if name in found or len(found) != 1 else found[0]
