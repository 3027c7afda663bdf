"""« Mes convocations »: what is shown, and what an answer asks of accountd."""

from __future__ import annotations

from typing import Any

import pytest
from malleposte.accountd.calls.convocations.mine import Answer, AnswerConvocation, Event, Mine
from malleposte.accountd.message import ErrorCode
from msgspec.structs import replace

from tests.support.accountd import Told
from tests.support.portal import ADDRESSES, BOTH

PAGE, ANSWER = ADDRESSES["convocations"], ADDRESSES["convocation_answer"]
EVENT = Event("Jury <b>", "2099-06-15T08:00", "2099-06-15T12:30", "Salle <i>3</i>", "Un stylo.\nUne règle.")
ONE = Mine("20990601-080000-3f2a-x", "Division des examens", "dec@ac-exemple.test", EVENT)


def told(*several: Mine, more: bool = False) -> Told:
    return Told("mdupond", convocations=several, more=more)


@pytest.fixture
def inside(visit: Any, log_in: Any, accountd: Any) -> Any:
    """An agent with a convocation."""
    accountd.answer = told(ONE)
    log_in(visit)
    return visit


@BOTH
def test_a_convocation_is_shown_in_plain_words(inside: Any, language: int) -> None:
    page = inside.get(PAGE[language])
    when = "on Monday 15 June 2099, 08:00 to 12:30" if language else "le lundi 15 juin 2099, de 8 h à 12 h 30"
    for part in (when, "Jury <b>", "Salle <i>3</i>", "Une règle.", "Division des examens", "dec@ac-exemple.test"):
        assert part in page.main, part
    assert "<b>" not in inside.last.text and "<i>" not in inside.last.text
    assert ("Answer awaited" if language else "Réponse attendue") in page.main
    assert [one["fields"]["answer"] for one in page.forms() if one["action"] == ANSWER[language]] == ["yes", "no"]


@pytest.mark.parametrize(
    ("changed", "says", "offers"),
    [
        ({"answer": Answer.YES, "answered": "2099-06-01T08:00:00+00:00"}, "Vous avez répondu oui", ["no"]),
        ({"answer": Answer.NO}, "Vous avez répondu non", ["yes"]),
        ({"answer": Answer.MAYBE}, "Vous avez répondu peut-être", ["yes", "no"]),
        ({"off": True}, "Annulée", []),
    ],
)
def test_each_state_offers_the_other_answer(
    inside: Any, accountd: Any, changed: dict[str, Any], says: str, offers: list[str]
) -> None:
    accountd.answer = told(replace(ONE, **changed))
    page = inside.get(PAGE[0])
    assert says in page.main
    assert [one["fields"]["answer"] for one in page.forms() if one["action"] == ANSWER[0]] == offers


def test_whole_days_and_several_days_are_said(inside: Any, accountd: Any) -> None:
    days = replace(EVENT, begin="2099-06-15", end="2099-06-16"), replace(EVENT, begin="2099-06-15", end="2099-06-15")
    night = replace(EVENT, begin="2099-06-15T20:00", end="2099-06-16T08:00")
    accountd.answer = told(*(replace(ONE, event=event) for event in (*days, night)), more=True)
    page = inside.get(PAGE[0])
    for part in (
        "du 15 juin 2099 au 16 juin 2099", "Quand : le lundi 15 juin 2099",
        "du 15 juin 2099 à 20 h au 16 juin 2099 à 8 h", "Les plus lointaines",
    ):  # fmt: skip
        assert part in page.main, part


@pytest.mark.parametrize(("answer", "words"), [("yes", "Votre réponse est oui"), ("no", "Votre réponse est non")])
def test_an_answer_is_asked_of_accountd_and_said_once(inside: Any, accountd: Any, answer: str, words: str) -> None:
    answered = inside.press(PAGE[0], ANSWER[0], invitation=ONE.invitation, answer=answer)
    request = accountd.only(AnswerConvocation)
    assert (request.invitation, request.yes) == (ONE.invitation, answer == "yes")
    assert answered.headers["Location"].endswith(PAGE[0])
    assert words in inside.get(PAGE[0]).main and words not in inside.get(PAGE[0]).main


def test_one_that_is_over_or_changed_since_is_told_where_the_others_are(inside: Any, accountd: Any) -> None:
    accountd.refuse(ErrorCode.NOT_FOUND, AnswerConvocation)
    answered = inside.press(PAGE[0], ANSWER[0], invitation=ONE.invitation, answer="yes")
    assert answered.status_code == 303 and answered.headers["Location"].endswith(PAGE[0])
    assert "Votre réponse n’est pas enregistrée" in inside.get(PAGE[0]).main


def test_nothing_to_come_is_said(inside: Any, accountd: Any) -> None:
    accountd.answer = told()
    assert "Aucune convocation à venir." in inside.get(PAGE[0]).main
