"""The hour of a message of « À envoyer »: by its folder, by its field, over both changes of summer time."""

import datetime
import os
import time
from collections.abc import Iterator

import pytest
from malleposte.accounts.mailbox.later import moments
from malleposte.core.errors import InputError


@pytest.fixture(autouse=True)
def paris() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Europe/Paris"
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


def at(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("folder", "field", "now", "due"),
    [
        (moments.HOUR, "", "2026-12-01T23:30:10+01:00", "2026-12-02T00:30:10+01:00"),
        (moments.HOUR, "", "2026-03-29T01:30+01:00", "2026-03-29T03:30+02:00"),
        (moments.HOUR, "", "2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00"),
        (moments.TOMORROW, "", "2026-12-01T00:10+01:00", "2026-12-02T08:00+01:00"),
        (moments.TOMORROW, "", "2026-12-31T23:59+01:00", "2027-01-01T08:00+01:00"),
        (moments.TOMORROW, "", "2026-03-28T20:00+01:00", "2026-03-29T08:00+02:00"),
        (moments.TOMORROW, "", "2026-10-24T20:00+02:00", "2026-10-25T08:00+01:00"),
        (moments.MONDAY, "", "2026-12-04T19:00+01:00", "2026-12-07T08:00+01:00"),
        (moments.MONDAY, "", "2026-12-07T07:59+01:00", "2026-12-07T08:00+01:00"),
        (moments.MONDAY, "", "2026-12-07T08:00+01:00", "2026-12-14T08:00+01:00"),
        (moments.MONDAY, "", "2026-10-24T12:00+02:00", "2026-10-26T08:00+01:00"),
        (moments.THEIRS, "", "2026-12-01T23:00+01:00", "2026-12-02T08:00+01:00"),
        (moments.THEIRS, "", "2026-12-01T10:00+01:00", "2026-12-01T10:00+01:00"),
        (moments.THEIRS, "", "2026-12-04T18:00+01:00", "2026-12-07T08:00+01:00"),
        (moments.THEIRS, "", "2026-12-24T19:00+01:00", "2026-12-28T08:00+01:00"),
        (moments.TO_SEND, "+10", "2026-12-01T10:00+01:00", "2026-12-01T10:00:10+01:00"),
        (moments.TO_SEND, "2026-12-03T09:15", "2026-12-01T10:00+01:00", "2026-12-03T09:15+01:00"),
        (moments.TO_SEND, "2026-11-03T09:15", "2026-12-01T10:00+01:00", "2026-12-01T10:00+01:00"),
        (moments.TO_SEND, "2027-03-28T02:30", "2026-12-01T10:00+01:00", "2027-03-28T03:30+02:00"),
        (moments.TO_SEND, "2027-10-31T02:30", "2027-10-01T10:00+02:00", "2027-10-31T02:30+02:00"),
    ],
)
def test_the_hour_of_a_message(folder: str, field: str, now: str, due: str) -> None:
    assert moments.due(folder, at(now), field) == at(due)


@pytest.mark.parametrize(("folder", "field"), [(moments.TO_SEND, ""), ("INBOX", "+10"), ("À envoyer/Autre", "")])
def test_a_message_without_an_hour_gets_no_order(folder: str, field: str) -> None:
    assert moments.due(folder, at("2026-12-01T10:00+01:00"), field) is None
    assert moments.due(moments.TO_SEND, at("2026-12-01T10:00+01:00"), "+10") is not None


@pytest.mark.parametrize(
    "field", ["demain", "+0", "+99999", "2026-12-03 09:15", "2026-12-03T09:15+05:00", "2028-12-03T09:15"]
)
def test_a_field_that_is_no_hour_is_refused(field: str) -> None:
    with pytest.raises(InputError):
        moments.due(moments.TO_SEND, at("2026-12-01T10:00+01:00"), field)
