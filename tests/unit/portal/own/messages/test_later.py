"""« Mes envois »: what waits is shown with its hour or its reason, and each button asks accountd for one act."""

from copy import replace
from typing import Any

import pytest
from malleposte.accountd.calls.mailbox.later import DecideLater, LaterMessage, SetLater
from malleposte.accountd.message import ErrorCode
from malleposte.accounts.mailbox.later.model import Reason

from tests.support.portal import ADDRESSES, BOTH
from tests.unit.portal.own.test_pages import DONE

GOES = LaterMessage("À envoyer/Demain 8 h", "Réunion", "a1", "2099-01-05T08:00:00+01:00")
WAITS = LaterMessage("À envoyer/Lundi 8 h", "Refusé", "b2", "2099-01-05T08:00:00+01:00", "refused", "553 <not> owned")
NONE = LaterMessage("À envoyer", "Sans heure")
HELD = replace(DONE, on=True, messages=(GOES, WAITS, NONE), more=False)
OFF = replace(DONE, on=False, messages=(NONE,), more=False)
PAGE = ADDRESSES["later"][0]


def forms(page: Any) -> list[tuple[str, str]]:
    return [(one["fields"]["act"], one["fields"].get("message", "")) for one in page.forms() if "act" in one["fields"]]


@BOTH
def test_what_waits_is_shown_with_its_hour_or_its_reason(inside: Any, accountd: Any, language: int) -> None:
    accountd.answer = HELD
    page = inside.get(ADDRESSES["later"][language])
    french = ("Réunion", "5 janvier 2099", "le serveur l’a refusé", "553 <not> owned", "il n’a pas d’heure d’envoi")
    english = ("Réunion", "5 January 2099", "the server refused it", "553 <not> owned", "it has no hour")
    for told in english if language else french:
        assert told in page.main, told
    assert forms(page) == [("send", "a1"), ("keep", "a1"), ("send", "b2"), ("keep", "b2"), ("off", "")]


def test_who_has_it_off_is_offered_it(inside: Any, accountd: Any) -> None:
    accountd.answer = OFF
    page = inside.get(PAGE)
    assert "n’est pas en service" in page.main and forms(page) == [("on", "")]


@pytest.mark.parametrize(
    ("act", "send", "told"), [("send", True, "part dans la minute"), ("keep", False, "Brouillons")]
)
def test_a_message_is_sent_or_kept(inside: Any, accountd: Any, act: str, send: bool, told: str) -> None:
    accountd.answer = HELD
    page = inside.get(PAGE)
    form = next(one["fields"] for one in page.forms() if one["fields"].get("act") == act)
    page = inside.post(PAGE, form)
    assert told in page.main and "C’est fait" not in inside.get(PAGE).main
    asked = accountd.only(DecideLater)
    assert (asked.ident, asked.send) == ("a1", send)


@pytest.mark.parametrize(("held", "act"), [(HELD, "off"), (OFF, "on")])
def test_it_is_turned_on_and_off(inside: Any, accountd: Any, held: Any, act: str) -> None:
    accountd.answer = held
    form = next(one["fields"] for one in inside.get(PAGE).forms() if one["fields"].get("act") == act)
    inside.post(PAGE, form)
    assert accountd.only(SetLater).on is (act == "on")


@pytest.mark.parametrize("more", [{"act": "send", "message": ""}, {"act": "burn", "message": "a1"}])
def test_a_form_that_asks_nothing_asks_nothing(inside: Any, accountd: Any, more: dict[str, str]) -> None:
    accountd.answer = HELD
    form = next(one["fields"] for one in inside.get(PAGE).forms() if one["fields"].get("act") == "send")
    inside.post(PAGE, form | more)
    assert inside.last.status_code == 422 and accountd.requests(DecideLater) == []


def test_one_that_has_left_meanwhile_is_told(inside: Any, accountd: Any) -> None:
    accountd.answer = HELD
    form = next(one["fields"] for one in inside.get(PAGE).forms() if one["fields"].get("act") == "keep")
    accountd.refuse(ErrorCode.REFUSED_VALUE, DecideLater, message="for the log alone")
    page = inside.post(PAGE, form)
    assert inside.last.status_code == 422 and "n’attend plus" in page.main and "log alone" not in inside.last.text


def test_each_reason_has_its_words(inside: Any, accountd: Any) -> None:
    accountd.answer = replace(HELD, messages=tuple(replace(WAITS, reason=str(one)) for one in Reason if one))
    page = inside.get(PAGE)
    assert page.main.count("Ce message ne partira pas") == len(Reason) - 1
    assert "Part le" not in page.main
