"""Free slots: which are proposed, in which order, over a change of clocks."""

import datetime
from zoneinfo import ZoneInfo

import pytest
from malleposte.accounts.meetings.model import Span
from malleposte.accounts.meetings.slots import A_DAY, MOST, Window, propose

PARIS = ZoneInfo("Europe/Paris")
MONDAY = datetime.date(2026, 6, 15)
BEFORE = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)


def window(days: int = 1, begins: str = "08:00", ends: str = "10:00", minutes: int = 60, **more: object) -> Window:
    hours = (datetime.time.fromisoformat(one) for one in (begins, ends))
    given = {"first": MONDAY, "last": MONDAY + datetime.timedelta(days=days - 1), "zone": PARIS} | more
    return Window(begins=next(hours), ends=next(hours), minutes=minutes, **given)  # type: ignore[arg-type]


def at(begin: str, end: str, day: datetime.date = MONDAY) -> Span:
    first, last = (
        datetime.datetime.combine(day, datetime.time.fromisoformat(one), PARIS).astimezone(datetime.UTC)
        for one in (begin, end)
    )
    return first, last


def hours(*args: object, **named: object) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.begin[11:], one.busy) for one in propose(*args, **named)]  # type: ignore[arg-type]


def test_all_free_comes_first_then_one_busy_then_two_and_never_three() -> None:
    busy = {
        "anne": [at("08:00", "09:00"), at("10:00", "12:00")],
        "benoit": [at("10:00", "12:00")],
        "chloe": [at("11:00", "12:00")],
    }  # fmt: skip
    assert hours(window(ends="12:00"), busy, BEFORE) == [
        ("09:00", ()), ("08:00", ("anne",)), ("10:00", ("anne", "benoit")),
    ]  # fmt: skip
    assert hours(window(begins="11:00", ends="12:00"), busy, BEFORE) == [], "three are busy"
    assert hours(window(begins="11:00", ends="12:00"), busy | {"chloe": []}, BEFORE) == [("11:00", ("anne", "benoit"))]


def test_what_ends_as_a_slot_begins_takes_none_of_it() -> None:
    assert hours(window(begins="09:00", ends="10:00"), {"anne": [at("08:00", "09:00")]}, BEFORE) == [("09:00", ())]
    late = {"anne": [at("08:00", "09:01")]}
    assert hours(window(begins="09:00", ends="10:00"), late, BEFORE) == [("09:00", ("anne",))]
    inside = {"anne": [at("09:10", "09:20"), at("07:00", "07:30")]}
    assert hours(window(begins="09:00", ends="10:00"), inside, BEFORE) == [("09:00", ("anne",))]
    around = {"anne": [at("06:00", "20:00"), at("07:00", "07:30")]}
    assert hours(window(begins="09:00", ends="10:00"), around, BEFORE) == [("09:00", ("anne",))]


def test_nothing_that_has_begun_is_proposed() -> None:
    now = datetime.datetime(2026, 6, 15, 6, 30, tzinfo=datetime.UTC)  # 8:30 in Paris
    assert hours(window(ends="10:00"), {}, now) == [("09:00", ())]
    assert hours(window(ends="10:00"), {}, BEFORE) == [("08:00", ()), ("09:00", ())]


@pytest.mark.parametrize("zone", ["Europe/Paris", "Pacific/Noumea", "Indian/Reunion", "America/Martinique"])
def test_a_day_is_that_of_the_academy(zone: str) -> None:
    wide = window(3, begins="07:00", ends="19:00", zone=ZoneInfo(zone))
    days = [one.begin[:10] for one in propose(wide, {}, BEFORE)]
    assert {day: days.count(day) for day in days} == dict.fromkeys(("2026-06-15", "2026-06-16", "2026-06-17"), A_DAY)


def test_no_sunday_and_a_saturday_on_wish() -> None:
    def days(**more: object) -> list[int]:
        return [datetime.date.fromisoformat(one.begin[:10]).weekday() for one in propose(week(**more), {}, BEFORE)]

    def week(**more: object) -> Window:
        return window(7, ends="09:00", **more)

    assert days() == [0, 1, 2, 3, 4] and days(saturday=True) == [0, 1, 2, 3, 4, 5]


def test_many_days_do_not_fill_the_page() -> None:
    found = propose(window(28, ends="18:00", minutes=30), {}, BEFORE)
    by_day = {one.begin[:10] for one in found}
    assert len(found) == MOST and len(by_day) == MOST // A_DAY


@pytest.mark.parametrize(("day", "expected"), [("2026-03-29", "09:00"), ("2026-10-25", "09:00")])
def test_a_change_of_clocks_moves_no_hour(day: str, expected: str) -> None:
    sunday = datetime.date.fromisoformat(day)
    monday, friday = sunday + datetime.timedelta(days=1), sunday - datetime.timedelta(days=2)
    found = propose(window(first=friday, last=monday, begins="09:00", ends="10:00"), {}, BEFORE.replace(year=2025))
    assert [(one.begin, one.end) for one in found] == [
        (f"{one}T{expected}", f"{one}T10:00") for one in (friday, monday)
    ]  # fmt: skip
