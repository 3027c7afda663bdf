"""Times at which mail comes: slots, rounds, public holidays, « Ne pas déranger », both changes of summer time."""

import datetime
import os
import time
from collections.abc import Iterator

import pytest
from malleposte.accounts.mailbox.hours import calendar
from malleposte.accounts.mailbox.hours.model import Hours, Slot

WEEK = (Slot((1, 2, 3, 4, 5), "08:00", "12:00"), Slot((1, 2, 4, 5), "13:30", "18:00"))
NIGHT = (Slot((5,), "22:00", "24:00"), Slot((6,), "00:00", "02:00"))
"""From Friday, 22:00, to Saturday, 2:00."""
FLOW = Hours(True, WEEK)
ROUNDS = Hours(True, (Slot((1, 2, 3, 4, 5), "00:00", "24:00"),), ("08:00", "12:30", "17:00"))
FREE = Hours(True, WEEK, holidays=True)
SCHOOL = Hours(True, WEEK, school=True, closed=("2026-12-19/2027-01-03",))
CALM = Hours(True, WEEK, since="2026-12-01T10:00", until="2026-12-03T09:30")
ALONE = Hours(since="2026-12-01T10:00", until="2026-12-01T14:00")


@pytest.fixture(autouse=True)
def paris() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Europe/Paris"
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("hours", "now", "opens", "last", "following"),
    [
        # Tuesday, 1 December 2026
        (Hours(), "2026-12-01T03:00", True, "2026-12-01T03:00", "2026-12-01T03:00"),
        (FLOW, "2026-12-01T07:59:59", False, "2026-11-30T18:00", "2026-12-01T08:00"),
        (FLOW, "2026-12-01T08:00", True, "2026-12-01T08:00", "2026-12-01T08:00"),
        (FLOW, "2026-12-01T11:59:59", True, "2026-12-01T11:59:59", "2026-12-01T11:59:59"),
        (FLOW, "2026-12-01T12:00", False, "2026-12-01T12:00", "2026-12-01T13:30"),
        (FLOW, "2026-12-02T15:00", False, "2026-12-02T12:00", "2026-12-03T08:00"),
        (FLOW, "2026-12-05T10:00", False, "2026-12-04T18:00", "2026-12-07T08:00"),
        (Hours(True, NIGHT), "2026-12-04T23:59:59", True, "2026-12-04T23:59:59", "2026-12-04T23:59:59"),
        (Hours(True, NIGHT), "2026-12-05T00:00", True, "2026-12-05T00:00", "2026-12-05T00:00"),
        (Hours(True, NIGHT), "2026-12-05T02:00", False, "2026-12-05T02:00", "2026-12-11T22:00"),
        (Hours(True, NIGHT), "2026-12-05T22:30", False, "2026-12-05T02:00", "2026-12-11T22:00"),
        (ROUNDS, "2026-12-01T07:59:59", False, "2026-11-30T17:00", "2026-12-01T08:00"),
        (ROUNDS, "2026-12-01T08:00", False, "2026-12-01T08:00", "2026-12-01T12:30"),
        (ROUNDS, "2026-12-04T18:00", False, "2026-12-04T17:00", "2026-12-07T08:00"),
        # Friday, 25 December; Easter Monday, 29 March 2027
        (FREE, "2026-12-25T09:00", False, "2026-12-24T18:00", "2026-12-28T08:00"),
        (FLOW, "2026-12-25T09:00", True, "2026-12-25T09:00", "2026-12-25T09:00"),
        (FREE, "2027-03-29T09:00", False, "2027-03-26T18:00", "2027-03-30T08:00"),
        # Friday, 18 December, and the Monday after the school holidays
        (SCHOOL, "2026-12-18T17:00", True, "2026-12-18T17:00", "2026-12-18T17:00"),
        (SCHOOL, "2026-12-22T09:00", False, "2026-12-18T18:00", "2027-01-04T08:00"),
        (FLOW, "2026-12-22T09:00", True, "2026-12-22T09:00", "2026-12-22T09:00"),
        (SCHOOL, "2027-01-04T08:00", True, "2027-01-04T08:00", "2027-01-04T08:00"),
        (CALM, "2026-12-01T09:59:59", True, "2026-12-01T09:59:59", "2026-12-01T09:59:59"),
        (CALM, "2026-12-01T10:00", False, "2026-12-01T10:00", "2026-12-03T09:30"),
        (CALM, "2026-12-02T19:00", False, "2026-12-01T10:00", "2026-12-03T09:30"),
        (CALM, "2026-12-03T09:30", True, "2026-12-03T09:30", "2026-12-03T09:30"),
        (ALONE, "2026-12-01T12:00", False, "2026-12-01T10:00", "2026-12-01T14:00"),
        (ALONE, "2026-12-01T14:00", True, "2026-12-01T14:00", "2026-12-01T14:00"),
    ],
)
def test_moments(hours: Hours, now: str, opens: bool, last: str, following: str) -> None:
    moment = at(now)
    hours = hours.checked()
    assert calendar.opens(hours, moment) is opens
    assert calendar.last(hours, moment) == at(last)
    assert calendar.following(hours, moment) == at(following)
    assert calendar.change(hours, moment) > moment


def test_a_round_within_a_time_without_mail_is_left_out() -> None:
    hours = Hours(True, ROUNDS.slots, ROUNDS.rounds, since="2026-12-01T12:00", until="2026-12-01T13:00")
    assert calendar.last(hours, at("2026-12-01T14:00")) == at("2026-12-01T08:00")
    assert calendar.following(hours, at("2026-12-01T12:10")) == at("2026-12-01T17:00")


def test_an_agent_away_for_a_year_has_an_end() -> None:
    away = Hours(True, WEEK, since="2026-12-01T10:00", until="2027-12-01T10:00")
    assert calendar.following(away, at("2026-12-01T11:00")) == at("2027-12-01T10:00")
    assert calendar.last(away, at("2027-12-01T09:00")) == at("2026-12-01T10:00")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # 29 March 2026: 2:00 becomes 3:00; 25 October 2026: 3:00 becomes 2:00
        ("2026-03-27T08:00+01:00", "2026-03-30T08:00+02:00"),
        ("2026-10-23T08:00+02:00", "2026-10-26T08:00+01:00"),
    ],
)
def test_the_hour_on_the_wall_counts_when_summer_time_changes(before: str, after: str) -> None:
    for text in (before, after):
        moment = calendar.here(at(text).timestamp())
        assert f"{moment:%H:%M}" == "08:00" and calendar.opens(FLOW, moment)
        assert not calendar.opens(FLOW, calendar.here(at(text).timestamp() - 1))
    friday = calendar.here(at(before).timestamp() + 12 * 3600)
    following = calendar.following(FLOW, friday)
    assert following is not None and calendar.seconds(following) == at(after).timestamp()


@pytest.mark.parametrize(
    ("span", "opened"),
    [
        # In the hour that does not exist, in the one that comes twice, and around both.
        (("2026-03-29", "02:15", "02:45"), 0.0),
        (("2026-03-29", "01:00", "04:00"), 2.0),
        (("2026-10-25", "02:15", "02:45"), 1.0),
        (("2026-10-25", "01:00", "04:00"), 4.0),
    ],
)
def test_a_slot_in_the_night_of_the_change(span: tuple[str, str, str], opened: float) -> None:
    day, begin, end = span
    hours = Hours(True, (Slot((7,), begin, end),)).checked()
    start = at(f"{day}T00:00").timestamp()
    minutes = sum(calendar.opens(hours, calendar.here(start + 60 * number)) for number in range(8 * 60))
    assert minutes / 60 == opened


def test_public_holidays_are_those_of_the_law() -> None:
    assert sorted(day.isoformat()[5:] for day in calendar.public_holidays(2026)) == [
        "01-01", "04-06", "05-01", "05-08", "05-14", "05-25", "07-14", "08-15", "11-01", "11-11", "12-25",
    ]  # fmt: skip
    easter = {2027: "03-29", 2030: "04-22", 2038: "04-26", 2049: "04-19"}
    for year, monday in easter.items():
        assert datetime.date.fromisoformat(f"{year}-{monday}") in calendar.public_holidays(year)
