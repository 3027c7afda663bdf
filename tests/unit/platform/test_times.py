"""Dates in words, and the hours of letters in the zone of the host."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from malleposte.accounts.mails import letter
from malleposte.platform.times import in_english, in_french, local


@pytest.mark.parametrize(
    ("day", "french", "english"),
    [
        (date(2026, 3, 1), "dimanche 1er mars 2026", "Sunday 1 March 2026"),
        (date(2026, 12, 31), "jeudi 31 décembre 2026", "Thursday 31 December 2026"),
    ],
)
def test_dates_in_words(day: date, french: str, english: str) -> None:
    assert in_french(day, weekday=True) == french
    assert in_english(day, weekday=True) == english
    assert in_french(day) == french.partition(" ")[2]
    assert in_english(day) == english.partition(" ")[2]


@pytest.fixture
def overseas(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The clock of a host of La Réunion."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Indian/Reunion")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("overseas")
def test_letters_tell_the_hour_of_the_host() -> None:
    assert letter.moment(datetime(2026, 7, 14, 22, 30, tzinfo=UTC)) == {
        "day": "15/07/2026", "hour": "02 h 30", "day_en": "2026-07-15", "hour_en": "02:30",
    }  # fmt: skip


@pytest.mark.usefixtures("overseas")
def test_people_read_local_times_that_name_their_zone() -> None:
    for moment in (datetime(2026, 3, 14, 20, 5, 59, tzinfo=UTC), "2026-03-14T20:05:59Z", "2026-03-14T20:05:59"):
        assert local(moment) == "2026-03-15 00:05 +04"
    assert local("2026-03-14T20:05:59+01:00") == "2026-03-14 23:05 +04"
    assert local(1773518759.5) == "2026-03-15 00:05 +04"
    assert local("never") == "never"
