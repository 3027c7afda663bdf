"""« Trouver un créneau »: what is asked of accountd, and what the page says of others."""

from __future__ import annotations

from typing import Any

import pytest
from malleposte.accountd.calls.meetings.slots import DAYS, HOURS, MANY, FindSlots, Guest, Slot
from malleposte.accountd.message import ErrorCode

from tests.support.accountd import Told
from tests.support.portal import ADDRESSES, BOTH

PAGE = ADDRESSES["slots"]
PEOPLE = (
    Guest("mdupond", "Marie Dupond", known=True), Guest("anne", "Anne <b>Petit</b>", known=True),
    Guest("cache", "cache@ac-exemple.test"), Guest("x@example.org", "x@example.org", outside=True),
)  # fmt: skip
SLOTS = (
    Slot("2099-06-15T08:00", "2099-06-15T09:00"), Slot("2099-06-16T08:30", "2099-06-16T09:30", ("anne",)),
)  # fmt: skip
GIVEN = {
    "people": "anne\ncache", "minutes": "60", "first": "2099-06-15", "last": "2099-06-19", "begin": "", "end": "",
}  # fmt: skip


@pytest.fixture
def inside(visit: Any, log_in: Any, accountd: Any) -> Any:
    accountd.answer = Told("mdupond", slots=SLOTS, people=PEOPLE, refused=("<i>qui</i>",), begin="08:00", end="18:00")
    log_in(visit)
    return visit


@BOTH
def test_slots_are_shown_with_who_is_busy_and_nothing_else(inside: Any, accountd: Any, language: int) -> None:
    page = inside.send(PAGE[language], **GIVEN)
    request = accountd.only(FindSlots)
    assert (request.people, request.minutes, request.first, request.last) == (
        "anne\ncache", 60, "2099-06-15", "2099-06-19",
    )  # fmt: skip
    when = "on Monday 15 June 2099, 08:00 to 09:00" if language else "le lundi 15 juin 2099, de 8 h à 9 h"
    for part in (when, "Anne <b>Petit</b>", "<i>qui</i>", "cache@ac-exemple.test, x@example.org"):
        assert part in page.main, part
    assert ("All who are known are free" if language else "Tous ceux qu’on connaît sont libres") in page.main
    assert page.main.count("Busy" if language else "Occupé") == 1
    assert "<b>" not in inside.last.text and "<i>" not in inside.last.text


def test_all_free_is_said_where_everybody_is_known(inside: Any, accountd: Any) -> None:
    accountd.answer = Told("mdupond", slots=SLOTS[:1], people=PEOPLE[:2])
    page = inside.send(PAGE[0], **GIVEN)
    assert "Tous libres" in page.main and "Disponibilité inconnue" not in page.main and "introuvables" not in page.main
    accountd.answer = Told("mdupond", people=PEOPLE[:2])
    assert "Aucun créneau" in inside.send(PAGE[0], **GIVEN).main


def test_the_form_stands_by_itself_and_asks_nothing(inside: Any, accountd: Any) -> None:
    page = inside.get(PAGE[0])
    assert accountd.asked == [] and "Créneaux proposés" not in page.main


@pytest.mark.parametrize("wrong", [{"people": ""}, {"minutes": "7"}, {"first": ""}, {"people": "x" * 6001}])
def test_an_incomplete_form_asks_nothing(inside: Any, accountd: Any, wrong: dict[str, str]) -> None:
    inside.send(PAGE[0], **GIVEN | wrong)
    assert inside.last.status_code == 422 and accountd.asked == []


@pytest.mark.parametrize(
    ("word", "says"), [(MANY, "50 personnes au plus"), (DAYS, "Vérifiez les jours"), (HOURS, "Vérifiez les heures")]
)
def test_a_refusal_is_said_in_words(inside: Any, accountd: Any, word: str, says: str) -> None:
    accountd.refuse(ErrorCode.REFUSED_VALUE, message=word)
    assert says in inside.send(PAGE[0], **GIVEN).main and inside.last.status_code == 422
