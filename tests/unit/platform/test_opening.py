"""The hours of the help desk in words."""

from typing import Any

import pytest
from malleposte.platform import opening

WEEK = ["friday", "monday", "tuesday", "wednesday", "thursday"]


def span(days: list[str], begin: str, end: str) -> dict[str, Any]:
    return {"days": days, "from": begin, "to": end}


@pytest.mark.parametrize(
    ("given", "french", "english"),
    [
        ([span(WEEK, "08:30", "17:00")], "du lundi au vendredi, de 8 h 30 à 17 h", "Monday to Friday, 08:30 to 17:00"),
        (
            [span(WEEK, "08:00", "12:00"), span(["saturday"], "09:00", "12:00"), span(WEEK, "13:30", "17:00")],
            "du lundi au vendredi, de 8 h à 12 h et de 13 h 30 à 17 h ; samedi, de 9 h à 12 h",
            "Monday to Friday, 08:00 to 12:00 and 13:30 to 17:00; Saturday, 09:00 to 12:00",
        ),
        ([span(["monday", "wednesday", "friday"], "08:00", "12:00")], "lundi, mercredi, vendredi, de 8 h à 12 h",
         "Monday, Wednesday, Friday, 08:00 to 12:00"),
    ],
)  # fmt: skip
def test_letters_tell_days_and_times(given: list[dict[str, Any]], french: str, english: str) -> None:
    told = opening.hours({"opening": given, "hours": "le matin"})
    assert [one.replace("\N{NO-BREAK SPACE}", " ") for one in told] == [french, english]


def test_without_times_the_words_of_the_fact_stand() -> None:
    assert opening.hours({"hours": "le matin", "hours_en": "mornings"}) == ("le matin", "mornings")
    assert opening.hours({"hours": "le matin", "opening": []}) == ("le matin", "le matin")
    assert opening.hours({}) == ("", "")
