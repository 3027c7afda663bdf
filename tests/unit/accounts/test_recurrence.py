"""Rules of recurrence that an agenda takes, and those that would hold whoever walks through them."""

import time
from typing import Any

import pytest
import vobject
from malleposte.accounts.agendas import recurrence


def item(*lines: str, start: str = "DTSTART;TZID=Europe/Paris:20261201T080000") -> Any:
    text = ["BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:a", start, *lines, "END:VEVENT", "END:VCALENDAR", ""]
    return vobject.readOne("\r\n".join(text))


@pytest.fixture(scope="module")
def taken() -> float:
    """Seconds of processor for thirty rules that are taken."""
    began = time.process_time()
    for _ in range(30):
        recurrence.check_item(item("RRULE:FREQ=DAILY"))
    return time.process_time() - began


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY", "FREQ=DAILY;UNTIL=20991231T000000Z", "FREQ=DAILY;COUNT=3650", "FREQ=WEEKLY;BYDAY=MO,TU;WKST=MO",
        "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "FREQ=HOURLY;INTERVAL=4;COUNT=10",
        "FREQ=DAILY;BYMONTH=7", "freq=weekly;count=4", "FREQ=HOURLY;UNTIL=20261203T000000Z",
        "FREQ=YEARLY;UNTIL=99991231T000000Z", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;COUNT=20", "FREQ=WEEKLY;COUNT=2000",
    ],
)  # fmt: skip
def test_honest_rules_are_taken(rule: str) -> None:
    recurrence.check_item(item(f"RRULE:{rule}"))
    recurrence.check_item(item(f"RRULE:{rule}", start="DTSTART;VALUE=DATE:20261201"))


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("FREQ=SECONDLY", "each second"), ("FREQ=MINUTELY;COUNT=3", "each second or minute"),
        ("FREQ=HOURLY", "more than 25000"), ("FREQ=DAILY;COUNT=999999999", "more than 50000 times"),
        ("FREQ=DAILY;UNTIL=99991231T000000Z", "too far"),
        ("FREQ=WEEKLY;BYDAY=MO,TU;UNTIL=27000101T000000Z", "more than 50000"),
        ("FREQ=YEARLY;BYHOUR=0,1,2,3;BYMINUTE=0,1,2,3,4,5,6,7,8,9;BYMONTHDAY=1,2,3,4,5,6,7,8,9,10", "more than 25000"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "no day meets"), ("FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30", "no day meets"),
        ("FREQ=NEVER", "no rule"), ("COUNT=3", "no rule"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO;COUNT=100", "too far"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO;UNTIL=99991231T000000Z", "too far"),
    ],
)  # fmt: skip
def test_rules_without_an_end_to_walk_to_are_refused_at_once(taken: float, rule: str, reason: str) -> None:
    """Beside rules that are taken: to refuse one costs no more than to take thirty."""
    for name in ("RRULE", "EXRULE"):
        began = time.process_time()
        with pytest.raises(recurrence.RecurrenceError, match=reason):
            recurrence.check_item(item(f"{name}:{rule}"))
        assert time.process_time() - began < taken


@pytest.mark.parametrize("rule", ["FREQ=DAILY", "FREQ=DAILY;BYMONTH=7", "FREQ=WEEKLY;BYDAY=MO,TU"])
def test_a_rule_without_an_end_that_begins_long_ago_is_refused(rule: str) -> None:
    """Whoever asks for a day of this year walks there from the beginning."""
    recurrence.check_item(item(f"RRULE:{rule}", start="DTSTART:19900105T090000"))
    with pytest.raises(recurrence.RecurrenceError, match="beginning is too far"):
        recurrence.check_item(item(f"RRULE:{rule}", start="DTSTART:00010105T090000"))


def test_a_birthday_of_long_ago_is_taken() -> None:
    recurrence.check_item(item("RRULE:FREQ=YEARLY", start="DTSTART;VALUE=DATE:19250105"))


def test_a_list_of_times_has_a_bound() -> None:
    def listed(count: int) -> str:
        return "RDATE:" + ",".join(f"2027{1 + number // 28:02}{1 + number % 28:02}T080000" for number in range(count))

    recurrence.check_item(item(listed(300)))
    with pytest.raises(recurrence.RecurrenceError, match="2000 at most"):
        recurrence.check_item(item(*[listed(300)] * 7))


def test_a_rule_needs_a_beginning() -> None:
    with pytest.raises(recurrence.RecurrenceError, match="beginning"):
        recurrence.check_item(item("RRULE:FREQ=DAILY", start="SUMMARY:x"))
