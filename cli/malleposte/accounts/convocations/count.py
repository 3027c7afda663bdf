"""Answers are judged and counted: whose they are, to which invitation, and whether it still stands.

The author whom the filter verified and the attendee of the answer must both be the invited person. The UID of an event
is known to that person and the office alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from malleposte.accounts.convocations import itip
from malleposte.accounts.convocations.model import Convocation, Invitee, Stage, Way
from malleposte.accounts.convocations.people import Known, People
from malleposte.accounts.convocations.replies import RawReply
from malleposte.core.errors import InputError


class Counter:
    """Counts the answers of an office's box in its convocations."""

    def __init__(self, convocations: Iterable[Convocation], people: People) -> None:
        """`convocations`: those of the office."""
        self.people = people
        self.events = {
            one.event_id(invitee): (one, invitee)
            for one in convocations if one.stage is not Stage.DRAFT for invitee in one.invitees
        }  # fmt: skip

    def count(self, raw: RawReply) -> Convocation | None:
        """Note an answer; return its convocation, None where it changes nothing. Raises InputError for a wrong one."""
        reply = itip.read_reply(raw.text)
        one, invitee = self.events.get(reply.event_id, (None, None))
        if one is None or invitee is None:
            raise InputError("an answer to no invitation of this office")
        known = self._known(invitee)
        if raw.author not in known.addresses:
            raise InputError(f"{invitee.key}: an answer that {raw.author} wrote")
        if reply.attendee not in known.addresses:
            raise InputError(f"{invitee.key}: an answer for {reply.attendee[:100]}")
        if invitee.off or reply.sequence < invitee.sequence or raw.received < invitee.answered:
            return None
        if (invitee.answer, invitee.way) == (reply.answer, Way.MAIL):
            return None
        invitee.reply(reply.answer, Way.MAIL, raw.received)
        return one

    def _known(self, invitee: Invitee) -> Known:
        """Return the person as the directory has it now."""
        if not invitee.person.uid:
            return Known(invitee.person)
        known = self.people.of(invitee.person.uid)
        if known is None:
            raise InputError(f"{invitee.key}: an answer of nobody")
        return known
