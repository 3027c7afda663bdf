"""Answers are judged and counted: whose they are, to which invitation, and whether it still stands.

The author whom the filter verified and the attendee of the answer must both be the invited person. The UID of an event
is known to that person and the office alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from malleposte.accounts.convocations import itip
from malleposte.accounts.convocations.model import Convocation, Invitee, Part, Stage, Way
from malleposte.accounts.convocations.people import Contact, People
from malleposte.accounts.convocations.replies import RawReply
from malleposte.core.errors import InputError


class Counter:
    """Counts the answers of an office's box in its convocations."""

    def __init__(self, convocations: Iterable[Convocation], people: People) -> None:
        """`convocations`: those of the office."""
        self.people = people
        self.events = dict[str, tuple[Convocation, list[Invitee]]]()
        self._people = dict[str, Contact]()
        for one in convocations:
            for invitee in one.invitees if one.stage is not Stage.DRAFT else ():
                if invitee.part is not Part.ORGANISER:
                    self.events.setdefault(one.event_id(invitee), (one, []))[1].append(invitee)

    def count(self, raw: RawReply) -> Convocation | None:
        """Note an answer; return its convocation, None where it changes nothing. Raises InputError for a wrong one."""
        reply = itip.read_reply(raw.text)
        one, several = self.events.get(reply.event_id, (None, []))
        if one is None:
            raise InputError("an answer to no invitation of this office")
        invitee = several[0] if len(several) == 1 else self._invited(several, reply.attendee)
        person = self._person_of(invitee)
        if raw.author not in person.addresses:
            raise InputError(f"{invitee.key}: an answer that {raw.author} wrote")
        if reply.attendee not in person.addresses:
            raise InputError(f"{invitee.key}: an answer for {reply.attendee[:100]}")
        if invitee.off or reply.sequence < invitee.sequence or raw.received < invitee.answered:
            return None
        if (invitee.answer, invitee.way) == (reply.answer, Way.MAIL):
            return None
        invitee.reply(reply.answer, Way.MAIL, raw.received)
        return one

    def _invited(self, several: list[Invitee], attendee: str) -> Invitee:
        """Return the invitation of an address to an event that several have. Raises InputError."""
        for invitee in several:
            if attendee == invitee.person.address:
                return invitee
        for invitee in several:
            with contextlib.suppress(InputError):  # who has left hides nobody else
                if attendee in self._person_of(invitee).addresses:
                    return invitee
        raise InputError(f"an answer for {attendee[:100]}, who is not invited")

    def _person_of(self, invitee: Invitee) -> Contact:
        """Return the person as the directory has it now; who has left has no address there."""
        uid = invitee.person.uid
        if not uid:
            return Contact(invitee.person)
        if uid not in self._people:
            person = self.people.of(uid)
            if person is None:
                raise InputError(f"{invitee.key}: an answer of nobody")
            self._people[uid] = person
        return self._people[uid]
