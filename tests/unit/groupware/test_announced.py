"""The words of a new event that a tool is told, and the events of which it is told nothing."""

import datetime
import zoneinfo

import pytest
from malleposte.groupware.announced import Announced, announced

PARIS = zoneinfo.ZoneInfo("Europe/Paris")
NOW = datetime.datetime(2030, 3, 4, 10, 0, tzinfo=PARIS)
HORIZON = NOW - datetime.timedelta(days=2)
MAILS = ("marie.dupond@ac-exemple.test",)
MADE = "CREATED:20300304T080000Z"


def event(*lines: str, start: str = "DTSTART:20300305T130000Z", end: str = "DTEND:20300305T140000Z") -> str:
    head = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//x//FR", "BEGIN:VEVENT", "UID:u1")
    return "\r\n".join([*head, "DTSTAMP:20300304T085900Z", start, end, *lines, "END:VEVENT", "END:VCALENDAR", ""])


def told(*lines: str, **times: str) -> Announced | None:
    return announced(event("SUMMARY:Conseil de classe", "LOCATION:Salle 12", *lines, **times), NOW, HORIZON, MAILS)


def test_title_hours_of_the_academy_and_place() -> None:
    text = event("SUMMARY:Conseil\\n de  classe", "LOCATION:Salle 12", "DESCRIPTION:secret", MADE)
    assert announced(text, NOW, HORIZON, MAILS) == Announced(
        "Conseil de classe", "2030-03-05T14:00:00+01:00", "2030-03-05T15:00:00+01:00", "Salle 12"
    )


def test_a_whole_day_and_a_series() -> None:
    day = told(MADE, start="DTSTART;VALUE=DATE:20300305", end="DTEND;VALUE=DATE:20300307")
    assert day is not None and (day.begin, day.end) == ("2030-03-05", "2030-03-06")
    week = told(MADE, "RRULE:FREQ=WEEKLY", start="DTSTART:20300219T130000Z", end="DTEND:20300219T140000Z")
    assert week is not None and week.begin == "2030-03-05T14:00:00+01:00", "the next time, not the first one"


@pytest.mark.parametrize(
    "line", ["CLASS:PRIVATE", "CLASS:CONFIDENTIAL", "CLASS:X-SECRET", "STATUS:CANCELLED",
             "ATTENDEE;PARTSTAT=DECLINED:mailto:Marie.Dupond@ac-exemple.test"],
)  # fmt: skip
def test_nothing_is_told_of_it(line: str) -> None:
    assert told(MADE, line) is None
    assert told(MADE, "CLASS:PUBLIC") is not None


def test_what_is_over_is_not_told() -> None:
    assert told(MADE, start="DTSTART:20300304T070000Z", end="DTEND:20300304T085900Z") is None
    assert told(MADE, start="DTSTART:20300304T070000Z", end="DTEND:20300304T093000Z") is not None, "it goes on"
    days = {"start": "DTSTART:20300301T070000Z", "end": "DTEND:20300301T080000Z"}
    assert told(MADE, "RRULE:FREQ=DAILY;COUNT=2", **days) is None


def test_what_was_made_long_ago_comes_back_and_is_not_new() -> None:
    assert told("CREATED:20300301T080000Z") is None, "its DTSTAMP is of now, as an export writes it"
    old = event("SUMMARY:x").replace("DTSTAMP:20300304T085900Z", "DTSTAMP:20300301T085900Z")
    assert announced(old, NOW, HORIZON, MAILS) is None


def test_an_invitation_of_long_ago_counts_from_its_day_in_the_agenda() -> None:
    by = "ORGANIZER:mailto:chef@ac-exemple.test"
    mine = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:marie.dupond@ac-exemple.test"
    assert told("CREATED:20300201T080000Z", by, mine) is not None
    assert told("CREATED:20300201T080000Z", by) is None, "it is somebody else's"
    assert told("CREATED:20300201T080000Z", f"ORGANIZER:mailto:{MAILS[0]}", mine) is None


def test_a_task_is_no_event() -> None:
    assert announced(event(MADE).replace("VEVENT", "VTODO"), NOW, HORIZON, MAILS) is None
