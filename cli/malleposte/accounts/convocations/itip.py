"""Invitations and answers in iCalendar (RFC 5545, iTIP RFC 5546), by the library `icalendar`.

Nothing of a stranger's text goes on: of an answer its UID, SEQUENCE, attendee and PARTSTAT are read, and no series is
followed.
"""

from __future__ import annotations

import datetime
import importlib
from dataclasses import dataclass
from typing import Any

from malleposte.accounts.convocations.model import Answer, Convocation, Event, Invitee
from malleposte.core.errors import InputError
from malleposte.deliveries.model import plain

LARGEST = 64 * 1024
"""Bytes of an answer that is read."""
LONGEST_NAME = 200
PRODUCT = "-//Malleposte//Convocations//FR"
PARTSTAT = {
    Answer.SILENCE: "NEEDS-ACTION", Answer.YES: "ACCEPTED", Answer.NO: "DECLINED", Answer.MAYBE: "TENTATIVE",
}  # fmt: skip
_ANSWERS = {word: answer for answer, word in PARTSTAT.items() if answer}
_READ = frozenset(("UID", "SEQUENCE", "ATTENDEE"))
_SERIES = ("RRULE", "RDATE", "EXDATE", "RECURRENCE-ID")


@dataclass(frozen=True)
class Reply:
    """An answer as it came: the UID of the event, the attendee's address, what was answered, to which SEQUENCE."""

    event_id: str
    attendee: str
    answer: Answer
    sequence: int


def request(one: Convocation, invitee: Invitee, now: datetime.datetime) -> bytes:
    """Return the invitation as it goes by mail (METHOD:REQUEST), or that it is off (METHOD:CANCEL)."""
    method = "CANCEL" if invitee.off else "REQUEST"
    return _calendar(_event(one, invitee, Answer.SILENCE, now), method)


def entry(one: Convocation, invitee: Invitee, now: datetime.datetime) -> str:
    """Return the entry of the agenda, with the agent's answer."""
    return _calendar(_event(one, invitee, invitee.answer, now), "").decode()


def read_reply(text: str) -> Reply:
    """Return an answer. Raises InputError for what is none of one attendee to one event."""
    if len(text.encode("utf-8", "replace")) > LARGEST:
        raise InputError("an answer of that size is none")
    try:
        calendars = _library().Calendar.from_ical(text, multiple=True)
    except Exception as error:  # the parser raises whatever it meets
        raise InputError(f"not iCalendar ({type(error).__name__})") from error
    if len(calendars) != 1 or calendars[0].name != "VCALENDAR":
        raise InputError("not one calendar")
    calendar = calendars[0]
    if _one(calendar, "METHOD").upper() != "REPLY":
        raise InputError("not an answer")
    events = [part for part in calendar.subcomponents if part.name != "VTIMEZONE"]
    if len(events) != 1 or events[0].name != "VEVENT":
        raise InputError("not an answer to one event")
    event = events[0]
    if any(name.upper() in _READ for name, _fault in event.errors):
        raise InputError("a property of the answer cannot be read")
    if any(name in event for name in _SERIES):
        raise InputError("an answer to a series, which no convocation is")
    attendee = event.get("ATTENDEE")
    if attendee is None or isinstance(attendee, list):
        raise InputError("not the answer of one attendee")
    answer = _ANSWERS.get(str(attendee.params.get("PARTSTAT", "")).upper())
    if answer is None:
        raise InputError("neither yes nor no")
    return Reply(_one(event, "UID"), address_of(str(attendee)), answer, _sequence(event))


def address_of(value: str) -> str:
    """Return the address of a `mailto:`; empty for none."""
    scheme, _colon, address = value.strip().partition(":")
    return address.strip().lower() if scheme.lower() == "mailto" else ""


def _one(component: Any, name: str) -> str:
    """Return a property that is there once. Raises InputError."""
    value = component.get(name)
    if value is None or isinstance(value, list):
        raise InputError(f"{name} is not there once")
    return str(value).strip()


def _sequence(event: Any) -> int:
    value = event.get("SEQUENCE", 0)
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise InputError("SEQUENCE is no number") from error


def _event(one: Convocation, invitee: Invitee, answer: Answer, now: datetime.datetime) -> Any:
    library, event = _library(), invitee.event
    component = library.Event()
    component.add("uid", one.event_id(invitee))
    component.add("dtstamp", now.astimezone(datetime.UTC))
    component.add("sequence", invitee.sequence)
    begin, end = _times(event)
    component.add("dtstart", begin)
    component.add("dtend", end)
    component.add("summary", event.title)
    if event.place:
        component.add("location", event.place)
    if event.text:
        component.add("description", event.text)
    component.add("status", "CANCELLED" if invitee.off else "CONFIRMED")
    component.add("transp", "OPAQUE")
    component.add("organizer", _address(one.mail, CN=one.title))
    if one.shared and not invitee.off:
        for other in one.guests:
            component.add("attendee", _attendee(other, other.answer))
    else:
        component.add("attendee", _attendee(invitee, answer))
    return component


def _attendee(invitee: Invitee, answer: Answer) -> Any:
    name = invitee.person.name or invitee.person.address
    asked = {"RSVP": "TRUE"} if not invitee.off and answer is Answer.SILENCE else {}
    return _address(
        invitee.person.address, CN=name, CUTYPE="INDIVIDUAL", ROLE="REQ-PARTICIPANT", PARTSTAT=PARTSTAT[answer], **asked
    )


def _times(event: Event) -> tuple[datetime.date, datetime.date]:
    """Return beginning and end: days, or moments in UTC, which need no time zone beside them."""
    if event.whole_days:
        return event.starts.date(), event.ends.date()
    return event.starts.astimezone(datetime.UTC), event.ends.astimezone(datetime.UTC)


def _address(mail: str, **parameters: str) -> Any:
    value = _library().vCalAddress(f"mailto:{mail}")
    for name, text in parameters.items():
        # A parameter cannot hold a quotation mark, nor a control character (RFC 5545, 3.2).
        value.params[name] = plain(text, LONGEST_NAME).replace('"', "'")
    return value


def _calendar(event: Any, method: str) -> bytes:
    calendar = _library().Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    if method:
        calendar.add("method", method)
    calendar.add_component(event)
    content: bytes = calendar.to_ical()
    return content


def _library() -> Any:
    """Return the library, which the directory's host alone has."""
    return importlib.import_module("icalendar")
