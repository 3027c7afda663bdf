"""The zones of a calendar are its own."""

import datetime
import threading

from malleposte.groupware.calendar_zones import vobject

ZONE = """BEGIN:VTIMEZONE
TZID:Europe/Paris
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:{0}
TZOFFSETTO:{0}
END:STANDARD
END:VTIMEZONE
"""
EVENT = "BEGIN:VEVENT\nUID:a\nDTSTART;TZID={}:20300304T140000\nEND:VEVENT\n"


def calendar(offset: str = "", zone: str = "Europe/Paris") -> str:
    described = ZONE.format(offset) if offset else ""
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//t\n{described}{EVENT.format(zone)}END:VCALENDAR\n"


def hour(text: str) -> float:
    """The offset of an event from UTC, in hours."""
    start: datetime.datetime = vobject().readOne(text).vevent.dtstart.value
    offset = start.utcoffset()
    assert offset is not None
    return offset.total_seconds() / 3600


def test_each_calendar_is_read_by_its_own_description_or_by_the_common_one() -> None:
    assert [hour(calendar(one)) for one in ("+0900", "", "-0500", "", "+0900")] == [9, 1, -5, 1, 9]
    assert hour(calendar(zone="UTC")) == 0


def test_of_several_calendars_in_one_text_each_has_its_own() -> None:
    several = vobject().readComponents(calendar("+0900") + calendar("-0500"))
    assert [one.vevent.dtstart.value.utcoffset() for one in several] == [
        datetime.timedelta(hours=9),
        datetime.timedelta(hours=-5),
    ]


def test_names_do_not_stay() -> None:
    before = hour(calendar("+0900"))
    named = ZONE.format("+0900").replace("Europe/Paris", "Nowhere/Here")
    text = calendar().replace("BEGIN:VEVENT", f"{named}BEGIN:VEVENT", 1)
    assert vobject().icalendar.getTzid("Europe/Paris", smart=False)
    vobject().readOne(text)
    assert vobject().icalendar.getTzid("Nowhere/Here", smart=False)
    assert hour(calendar("+0900")) == before
    assert vobject().icalendar.getTzid("Nowhere/Here", smart=False) is None


def test_a_calendar_is_written_with_the_zone_by_which_its_thread_read_it() -> None:
    """Radicale takes a whole agenda apart, and its items are written with zones that vobject looks up."""
    package = vobject()
    event = package.readOne(calendar("+0900")).vevent
    other = threading.Thread(target=hour, args=(calendar("-0500"),))
    other.start()
    other.join()
    item = package.iCalendar()
    item.add(event)
    assert "TZOFFSETTO:+0900" in item.serialize()
