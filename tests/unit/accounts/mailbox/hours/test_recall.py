"""« Rappeler plus tard »: the moment at which a message comes back, over both changes of summer time too."""

import datetime
import os
import time
from collections.abc import Iterator

import pytest
from malleposte.accounts.mailbox.hours import calendar, recall
from malleposte.accounts.mailbox.hours.due import Due, again, due
from malleposte.accounts.mailbox.hours.model import Hours
from malleposte.accounts.mailbox.hours.recall import RECALLS

TOMORROW, MONDAY, WEEK = RECALLS


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
    ("one", "filed", "back"),
    [
        # Tuesday, 1 December 2026
        (TOMORROW, "2026-12-01T00:00", "2026-12-02T08:00"),
        (TOMORROW, "2026-12-01T07:59:59", "2026-12-02T08:00"),
        (TOMORROW, "2026-12-01T23:59:59", "2026-12-02T08:00"),
        (TOMORROW, "2026-12-31T18:00", "2027-01-01T08:00"),
        (TOMORROW, "2027-03-27T18:00", "2027-03-28T08:00"),
        (TOMORROW, "2027-10-30T18:00", "2027-10-31T08:00"),
        (MONDAY, "2026-12-01T09:00", "2026-12-07T08:00"),
        (MONDAY, "2026-12-06T23:59:59", "2026-12-07T08:00"),
        (MONDAY, "2026-12-07T07:59:59", "2026-12-07T08:00"),
        (MONDAY, "2026-12-07T08:00", "2026-12-14T08:00"),
        (MONDAY, "2027-03-26T08:00", "2027-03-29T08:00"),
        (WEEK, "2026-12-01T09:00", "2026-12-08T08:00"),
        (WEEK, "2026-12-01T07:00", "2026-12-08T08:00"),
        (WEEK, "2027-03-25T22:00", "2027-04-01T08:00"),
        (WEEK, "2027-10-27T22:00", "2027-11-03T08:00"),
    ],
)
def test_moments(one: recall.Recall, filed: str, back: str) -> None:
    assert one.moment(at(filed)) == at(back)
    second = datetime.timedelta(seconds=1)
    assert at(filed) < one.before(at(back)), "due at that moment"
    assert at(filed) >= one.before(at(back) - second), "and not a second before"


@pytest.mark.parametrize("day", ["2026-12-01", "2027-03-27", "2027-10-30"])
def test_both_ways_of_reckoning_agree_at_each_quarter_of_an_hour(day: str) -> None:
    for one in RECALLS:
        for filed in range(0, 3 * 24 * 4, 3):
            moment = at(day) + datetime.timedelta(minutes=15 * filed)
            for later in range(0, 10 * 24 * 4, 7):
                now = moment + datetime.timedelta(minutes=15 * later)
                assert (moment < one.before(now)) is (one.moment(moment) <= now), (one, moment, now)


def test_an_hour_of_the_wall_is_the_hour_of_the_system() -> None:
    for before, after in (("2027-03-27T18:00", "2027-03-28T08:00"), ("2027-10-30T18:00", "2027-10-31T08:00")):
        filed, back = calendar.seconds(at(before)), calendar.seconds(at(after))
        assert back - filed == (13 if after.startswith("2027-03") else 15) * 3600
        chosen = Hours(recall=True)
        assert filed < next(one.before for one in due(chosen, back) if one.folder == TOMORROW.folder)
        assert filed >= next(one.before for one in due(chosen, back - 1) if one.folder == TOMORROW.folder)
        assert again(chosen, back - 10) == back


def test_who_did_not_choose_it_has_no_such_folder() -> None:
    now = calendar.seconds(at("2026-12-01T09:00"))
    assert [one.folder for one in due(Hours(), now)] == ["Hors horaires"]
    assert [one.before for one in due(Hours(recall=False), now)] == [0, 0, 0, 0]
    assert Due(TOMORROW.folder, int(calendar.seconds(at("2026-12-01T00:00"))), recalled=True) in list(
        due(Hours(recall=True), now)
    )
