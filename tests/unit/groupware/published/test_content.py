"""Files to publish: events stay, what would ring, invite or fetch goes; what is no calendar is refused in one line."""

import pytest
from malleposte.core.errors import InputError
from malleposte.groupware.published import content

from tests.unit.groupware.files import ZONE, calendar, event

ALARM = "BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT1H\nEND:VALARM\n"


def test_events_become_items_by_their_uid() -> None:
    found = content.check(calendar(event("1"), event("2", "Été — œuvres"), event("1", "autre fois")), "f.ics")
    assert found.events == 3
    assert len(found.items) == 2
    assert sorted(text.count("BEGIN:VEVENT") for text in found.items.values()) == [1, 2]
    assert any("Été — œuvres" in text for text in found.items.values())


def test_what_no_published_calendar_may_do_is_left_out() -> None:
    more = f"ATTENDEE:mailto:a@b.test\nORGANIZER:mailto:c@d.test\nATTACH:https://b.test/x\nCLASS:PRIVATE\n{ALARM}"
    (text,) = content.check(calendar(event("1", more=more), "BEGIN:VTODO\nUID:t\nEND:VTODO\n"), "f.ics").items.values()
    assert "SUMMARY:Vacances de Noël" in text
    for word in ("ATTENDEE", "ORGANIZER", "ATTACH", "CLASS", "VALARM", "VTODO", "METHOD"):
        assert word not in text


def test_a_time_zone_goes_with_the_events_that_name_it() -> None:
    named = "BEGIN:VEVENT\nUID:2\nDTSTART;TZID=Europe/Paris:20270206T080000\nEND:VEVENT\n"
    items = content.check(calendar(ZONE, event("1"), named), "f.ics").items
    assert sorted("BEGIN:VTIMEZONE" in text for text in items.values()) == [False, True]


def test_what_is_missing_is_added() -> None:
    (text,) = content.check(calendar("BEGIN:VEVENT\nDTSTART:20270206T080000Z\nEND:VEVENT\n"), "f.ics").items.values()
    assert "\nUID:" in text and "\nDTSTAMP:" in text


def test_the_file_of_the_web_holds_the_same_and_is_cut_into_the_same_items() -> None:
    long = "é" * 200
    named = "BEGIN:VEVENT\nUID:2\nDTSTART;TZID=Europe/Paris:20270206T080000\nEND:VEVENT\n"
    found = content.check(calendar(ZONE, event("1", long), named, event("3")), "f.ics")
    whole = content.whole(found.items, "Zone A; ça")
    assert "X-WR-CALNAME:Zone A\\; ça" in whole
    assert whole.count("BEGIN:VTIMEZONE") == 1
    assert max(len(line.encode()) for line in whole.split("\r\n")) <= 75
    assert content.check(whole.encode(), "whole") == found


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"", "not an iCalendar file"),
        (b"<html></html>", "not an iCalendar file"),
        (b"\xff\xfe", "not UTF-8"),
        (calendar(), "it has no event"),
        (calendar("BEGIN:VTODO\nUID:1\nEND:VTODO\n"), "it has no event"),
        (calendar("BEGIN:VEVENT\nUID:1\nEND:VEVENT\n"), "the event 1 has no beginning"),
        (calendar(event("1"))[: -len("END:VCALENDAR\n")], "is missing: the file is cut off"),
        (b"BEGIN:VCALENDAR\nEND:VEVENT\n", "END:VEVENT without its BEGIN"),
        (b"BEGIN:VCALENDAR\nno property\nEND:VCALENDAR\n", "line 2 is no property"),
        (calendar(event("1")) * 2, "not one calendar"),
        (b"BEGIN:VCALENDAR\n" + b"BEGIN:VEVENT\n" * 9, "too deep in each other"),
        (calendar(*(event(str(number)) for number in range(content.MOST_EVENTS + 1))), "2001 events, 2000 at most"),
        (b"x" * (content.MOST_BYTES + 1), "more than 5 MB"),
    ],
)
def test_what_is_no_calendar_is_refused(given: bytes, said: str) -> None:
    with pytest.raises(InputError, match=r"^f\.ics: ") as refused:
        content.check(given, "f.ics")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_radicale_would_not_keep_is_refused() -> None:
    def kept(text: str, _tag: str) -> str | None:
        return None if "UID:2\r\n" in text else text

    assert content.check(calendar(event("1")), "f.ics", kept).events == 1
    with pytest.raises(InputError, match="the event 2 is not valid iCalendar"):
        content.check(calendar(event("1"), event("2")), "f.ics", kept)
