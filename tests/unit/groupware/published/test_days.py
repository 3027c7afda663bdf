"""Whether a day is in a published calendar."""

from __future__ import annotations

import datetime

import pytest
from malleposte.groupware.published import days

CALENDAR = "\r\n".join(
    [
        "BEGIN:VCALENDAR", "BEGIN:VEVENT", "SUMMARY:Vacances de la Tous", " saint", "DTSTART;VALUE=DATE:20261017",
        "DTEND;VALUE=DATE:20261102", "END:VEVENT", "BEGIN:VEVENT", "DTSTART;VALUE=DATE:20261111", "END:VEVENT",
        "BEGIN:VEVENT", "DTSTART:20261219T120000Z", "DTEND:20270103T120000Z", "END:VEVENT", "END:VCALENDAR", "",
    ]
)  # fmt: skip


@pytest.mark.parametrize(
    ("day", "inside"),
    [
        ("2026-10-16", False), ("2026-10-17", True), ("2026-11-01", True), ("2026-11-02", False),
        ("2026-11-11", True), ("2026-11-12", False), ("2027-01-03", True), ("2027-01-04", False),
    ],
)  # fmt: skip
def test_first_and_last_day_of_an_event(day: str, *, inside: bool) -> None:
    assert days.holds(CALENDAR, datetime.date.fromisoformat(day)) is inside


def test_a_text_without_events_holds_no_day() -> None:
    assert not days.holds("", datetime.date(2026, 10, 17))
    assert not days.holds("BEGIN:VEVENT\nEND:VEVENT\n", datetime.date(2026, 10, 17))
