"""« Mes réunions » and the form of an invitation."""

from __future__ import annotations

from typing import Any

import pytest
from malleposte.accountd.calls.meetings.invite import (
    EVENT,
    PEOPLE,
    Answer,
    CallMeeting,
    CallOffMeeting,
    Event,
    Guest,
    Meeting,
)
from malleposte.accountd.calls.meetings.slots import Slot
from malleposte.accountd.message import ErrorCode
from malleposte.accounts.convocations.model import Counts

from tests.support.accountd import Told
from tests.support.portal import ADDRESSES, BOTH

LIST, NEW, OFF, SLOTS = (ADDRESSES[name] for name in ("meetings", "meeting", "meeting_off", "slots"))
ONE = Meeting(
    "20990601-080000-3f2a", Event("Équipe <b>", "2099-06-15T08:00", "2099-06-15T09:00", "Salle <i>3</i>"),
    (Guest("Anne <u>", Answer.YES, sent=True), Guest("x@example.org", failed=True), Guest("y@example.org")),
    Counts(20, 1, 0, 0, 19),
)  # fmt: skip
GIVEN = {
    "title": "Équipe", "day": "2099-06-15", "begin": "08:00", "end": "09:00", "people": "anne", "place": "", "text": "",
}  # fmt: skip


@pytest.fixture
def inside(visit: Any, log_in: Any, accountd: Any) -> Any:
    accountd.answer = Told("mdupond", meetings=(ONE,), visio=True, slots=())
    log_in(visit)
    return visit


@BOTH
def test_meetings_are_shown_with_answers(inside: Any, language: int) -> None:
    page = inside.get(LIST[language])
    for part in (
        "Équipe <b>", "Salle <i>3</i>", "Anne <u> (yes)" if language else "Anne <u> (oui)",
        "x@example.org", "Message not sent" if language else "(pas de réponse) Message non parti",
        "1 yes, 0 no, 0 perhaps, 19 without" if language else "1 oui, 0 non, 0 peut-être, 19 sans réponse",
        "and others" if language else "et d’autres",
    ):  # fmt: skip
        assert part in page.main, part
    assert "<b>" not in inside.last.text and "<i>" not in inside.last.text and "<u>" not in inside.last.text


def test_one_is_called_off(inside: Any, accountd: Any) -> None:
    answer = inside.press(LIST[0], OFF[0], meeting=ONE.ident)
    assert accountd.only(CallOffMeeting).meeting == ONE.ident
    assert answer.headers["Location"].endswith(LIST[0]) and "est annulée" in inside.get(LIST[0]).main


def test_a_slot_fills_the_form_in_and_invites_nobody_yet(inside: Any, accountd: Any) -> None:
    accountd.answer = Told("mdupond", slots=(Slot("2099-06-15T08:00", "2099-06-15T09:00"),), visio=True)
    given = {"people": "anne\nbenoit", "minutes": "60", "first": "2099-06-15", "last": "2099-06-15"}
    slots = inside.send(SLOTS[0], **given, begin="", end="")
    (form,) = [one for one in slots.forms() if one["action"] == NEW[0]]
    token = form["fields"]["csrf_token"]
    accountd.asked.clear()
    page = inside.post(
        NEW[0], {"csrf_token": token, "slot": "2099-06-15T08:00 2099-06-15T09:00", "people": "anne\nbenoit"}
    )
    assert inside.last.status_code == 200 and "Rien n’a été changé" not in page.main
    assert accountd.requests(CallMeeting) == []
    values = {h["name"]: h.get("value") for h, _t in page.all("input") if "name" in h}
    assert (values["day"], values["begin"], values["end"]) == ("2099-06-15", "08:00", "09:00")
    assert "anne\nbenoit" in inside.last.text


def test_an_invitation_is_asked_of_accountd(inside: Any, accountd: Any) -> None:
    inside.send(NEW[0], **GIVEN, visio="y")
    request = accountd.only(CallMeeting)
    assert (request.title, request.begin, request.end, request.people, request.visio) == (
        "Équipe", "2099-06-15T08:00", "2099-06-15T09:00", "anne", True,
    )  # fmt: skip


def test_no_link_is_offered_without_a_server(inside: Any, accountd: Any) -> None:
    assert "visioconférence" in inside.get(NEW[0]).main
    accountd.answer = Told("mdupond", visio=False)
    assert "visioconférence" not in inside.get(NEW[0]).main
    inside.send(NEW[0], **GIVEN, visio="y")
    assert accountd.only(CallMeeting).visio is False


@pytest.mark.parametrize("wrong", [{"title": ""}, {"begin": ""}, {"end": "08:00"}, {"day": "demain"}, {"people": ""}])
def test_an_incomplete_form_invites_nobody(inside: Any, accountd: Any, wrong: dict[str, str]) -> None:
    inside.send(NEW[0], **GIVEN | wrong)
    assert inside.last.status_code == 422 and accountd.requests(CallMeeting) == []


@pytest.mark.parametrize(("word", "says"), [(EVENT, "Vérifiez le titre"), (PEOPLE, "Vérifiez les participants")])
def test_a_refusal_is_said(inside: Any, accountd: Any, word: str, says: str) -> None:
    accountd.refuse(ErrorCode.REFUSED_VALUE, only=CallMeeting, message=word)
    assert says in inside.send(NEW[0], **GIVEN).main
