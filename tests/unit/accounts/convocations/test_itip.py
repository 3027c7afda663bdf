"""Invitations in iCalendar as other programs read them, and answers of strangers."""

from __future__ import annotations

import msgspec
import pytest
import vobject
from malleposte.accounts.convocations import itip
from malleposte.accounts.convocations.model import Answer, Convocation, Event, Invitee, Person
from malleposte.core.errors import InputError

from .office import DOMAIN, NOW, convocation

MARKUP = Event(
    'Jury <script>alert(1)</script>; "x", \\n fin', "2026-06-15T08:00", "2026-06-15T12:00",
    "Salle 3;\u00a0bât. A, « Carnot »", "Première ligne\nBEGIN:VEVENT\nATTENDEE:mailto:autre@lointain.example",
)  # fmt: skip
NAMES = ('Zoé "Œuvrard"; <b>X</b>', "a\r\nMETHOD:CANCEL", "x" * 400)


def only_event(text: str) -> vobject.base.Component:
    calendar = vobject.readOne(text)
    (event,) = calendar.vevent_list
    return event


def reply(one: Convocation, invitee: Invitee, word: str = "ACCEPTED") -> str:
    """An answer as a client writes it, of what it was sent."""
    text = itip.request(one, invitee, NOW).decode()
    return text.replace("METHOD:REQUEST", "METHOD:REPLY").replace("PARTSTAT=NEEDS-ACTION", f"PARTSTAT={word}")


@pytest.mark.parametrize("name", NAMES)
def test_markup_and_control_characters_stay_text(name: str) -> None:
    one = convocation("anne", event=MARKUP)
    one.title = name
    (anne,) = one.invitees
    anne.person = msgspec.structs.replace(anne.person, name=name)
    text = itip.request(one, anne, NOW).decode()
    assert text.count("\r\nBEGIN:VEVENT") == 1 and text.count("\r\nMETHOD:") == 1
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75
    event = only_event(text)
    assert (event.summary.value, event.location.value, event.description.value) == (
        MARKUP.title, MARKUP.place, MARKUP.text,
    )  # fmt: skip
    assert (len(event.attendee_list), event.attendee.value) == (1, f"mailto:anne@{DOMAIN}")
    assert event.organizer.value == f"mailto:dec@{DOMAIN}"


def test_an_invitation_its_change_and_its_end() -> None:
    one = convocation("anne")
    (anne,) = one.invitees
    first = vobject.readOne(itip.request(one, anne, NOW).decode())
    assert (first.method.value, first.vevent.uid.value, first.vevent.sequence.value) == (
        "REQUEST",
        one.event_id(anne),
        "0",
    )
    assert first.vevent.attendee.params["RSVP"] == ["TRUE"]
    anne.change(msgspec.structs.replace(anne.event, end="2026-06-15T13:00"))
    anne.call_off()
    last = vobject.readOne(itip.request(one, anne, NOW).decode())
    assert (last.method.value, last.vevent.sequence.value, last.vevent.status.value) == ("CANCEL", "2", "CANCELLED")
    assert last.vevent.uid.value == first.vevent.uid.value


def test_an_entry_of_the_agenda_has_no_method_and_the_answer() -> None:
    one = convocation("anne")
    (anne,) = one.invitees
    anne.answer = Answer.YES
    entry = vobject.readOne(itip.entry(one, anne, NOW))
    assert "method" not in entry.contents and entry.vevent.attendee.params["PARTSTAT"] == ["ACCEPTED"]
    assert "RSVP" not in entry.vevent.attendee.params


def test_whole_days_have_no_hours() -> None:
    one = convocation("anne", event=Event("T", "2026-06-15", "2026-06-16"))
    event = only_event(itip.entry(one, one.invitees[0], NOW))
    assert (str(event.dtstart.value), str(event.dtend.value)) == ("2026-06-15", "2026-06-17")


@pytest.mark.parametrize(
    ("word", "answer"), [("ACCEPTED", Answer.YES), ("DECLINED", Answer.NO), ("TENTATIVE", Answer.MAYBE)]
)
def test_an_answer_is_read(word: str, answer: Answer) -> None:
    one = convocation("anne")
    read = itip.read_reply(reply(one, one.invitees[0], word))
    assert read == itip.Reply(one.event_id(one.invitees[0]), f"anne@{DOMAIN}", answer, 0)


CLIENTS = {
    "outlook": (
        "BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nPRODID:Microsoft Exchange Server 2010\r\nVERSION:2.0\r\nBEGIN:VTIMEZONE\r\n"
        "TZID:Romance Standard Time\r\nBEGIN:STANDARD\r\nDTSTART:16010101T030000\r\nTZOFFSETFROM:+0200\r\n"
        "TZOFFSETTO:+0100\r\nRRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
        "BEGIN:VEVENT\r\nATTENDEE;PARTSTAT=ACCEPTED;CN=Agent Anne:MAILTO:{mail}\r\nCOMMENT;LANGUAGE=fr-FR:\\n\r\n"
        "UID:{uid}\r\nSUMMARY;LANGUAGE=fr-FR:Accepté : Jury\r\nDTSTART;TZID=Romance Standard Time:20260615T100000\r\n"
        "DTEND;TZID=Romance Standard Time:20260615T140000\r\nCLASS:PUBLIC\r\nPRIORITY:5\r\nDTSTAMP:20260602T090000Z\r\n"
        "TRANSP:OPAQUE\r\nSTATUS:CONFIRMED\r\nSEQUENCE:0\r\nX-MICROSOFT-CDO-APPT-SEQUENCE:0\r\nEND:VEVENT\r\n"
        "END:VCALENDAR\r\n"
    ),
    "apple": (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nCALSCALE:GREGORIAN\r\nMETHOD:REPLY\r\nPRODID:-//Apple Inc.//iOS 18.0//EN\r\n"
        "BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260602T090000Z\r\nDTSTART:20260615T080000Z\r\nDTEND:20260615T120000Z\r\n"
        "SEQUENCE:0\r\nORGANIZER;CN=Division:mailto:dec@ac-exemple.test\r\nREQUEST-STATUS:2.0;Success\r\n"
        "ATTENDEE;CUTYPE=INDIVIDUAL;EMAIL={mail};PARTSTAT=ACCEPTED;ROLE=REQ-PARTICIPANT:mailto:{mail}\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    ),
    "thunderbird": (
        "BEGIN:VCALENDAR\r\nPRODID:-//Mozilla.org/NONSGML Mozilla Calendar V1.1//EN\r\nVERSION:2.0\r\nMETHOD:REPLY\r\n"
        "BEGIN:VEVENT\r\nCREATED:20260602T090000Z\r\nLAST-MODIFIED:20260602T090000Z\r\nDTSTAMP:20260602T090000Z\r\n"
        "UID:{uid}\r\nSUMMARY:Jury\r\nSTATUS:CONFIRMED\r\nORGANIZER;CN=Division:mailto:dec@ac-exemple.test\r\n"
        'ATTENDEE;CN="Agent Anne";PARTSTAT=ACCEPTED;ROLE=REQ-PARTICIPANT:mailto:{mail}\r\nDTSTART:20260615T080000Z\r\n'
        "DTEND:20260615T120000Z\r\nX-MOZ-RECEIVED-SEQUENCE:0\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    ),
    "google": (
        "BEGIN:VCALENDAR\r\nPRODID:-//Google Inc//Google Calendar 70.9054//EN\r\nVERSION:2.0\r\nCALSCALE:GREGORIAN\r\n"
        "METHOD:REPLY\r\nBEGIN:VEVENT\r\nDTSTART:20260615T080000Z\r\nDTEND:20260615T120000Z\r\nDTSTAMP:20260602T090000Z\r\n"
        "ORGANIZER;CN=Division:mailto:dec@ac-exemple.test\r\nUID:{uid}\r\nATTENDEE;CUTYPE=INDIVIDUAL;"
        "ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;CN={mail};X-NUM-GUESTS=0:mailto:{mail}\r\nSEQUENCE:0\r\nSTATUS:CONFIRMED\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    ),
}
"""Answers in the form of four programs, written after what they document and show."""


@pytest.mark.parametrize("client", CLIENTS)
def test_answers_in_the_forms_of_other_programs_are_read(client: str) -> None:
    one = convocation("anne")
    uid, mail = one.event_id(one.invitees[0]), f"anne@{DOMAIN}"
    assert itip.read_reply(CLIENTS[client].format(uid=uid, mail=mail)) == itip.Reply(uid, mail, Answer.YES, 0)


SERIES = "\r\nRRULE:FREQ=SECONDLY\r\nSUMMARY:"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("METHOD:REPLY", "METHOD:REQUEST"), ("METHOD:REPLY", "METHOD:CANCEL"), ("METHOD:REPLY\r\n", ""),
        ("\r\nSUMMARY:", SERIES), ("\r\nSUMMARY:", "\r\nRECURRENCE-ID:20260615T080000Z\r\nSUMMARY:"),
        ("END:VEVENT", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:autre@x.fr\r\nEND:VEVENT"),
        ("END:VEVENT", "END:VEVENT\r\nBEGIN:VEVENT\r\nUID:x\r\nEND:VEVENT"),
        ("BEGIN:VEVENT", "BEGIN:VTODO"), ("PARTSTAT=ACCEPTED", "PARTSTAT=DELEGATED"),
        ("\r\nSEQUENCE:0", "\r\nSEQUENCE:beaucoup"), ("UID:", "X-UID:"), ("END:VCALENDAR", ""),
        ("SUMMARY:", "SUMMARY:" + "x" * 70_000),
        ("END:VCALENDAR", "END:VCALENDAR\r\nBEGIN:VCALENDAR\r\nEND:VCALENDAR"),
    ],
)  # fmt: skip
def test_what_is_no_answer_of_one_attendee_is_refused(before: str, after: str) -> None:
    one = convocation("anne")
    whole = reply(one, one.invitees[0])
    assert before in whole and itip.read_reply(whole)
    with pytest.raises(InputError):
        itip.read_reply(whole.replace(before, after, 1))


@pytest.mark.parametrize("text", ["", "\0", "BEGIN:VCALENDAR", "a:b\r\n" * 3000, "\ud800", "BEGIN:" * 5000])
def test_whatever_a_stranger_sends_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        itip.read_reply(text)


def test_an_address_is_that_of_a_mailto() -> None:
    assert itip.address_of("MAILTO:Anne@AC-Exemple.test") == "anne@ac-exemple.test"
    assert itip.address_of("invalid:nomail") == "" and itip.address_of("anne@ac-exemple.test") == ""
    assert Person("a@b").uid == ""
