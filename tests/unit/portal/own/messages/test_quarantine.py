"""« Quarantaine »: messages are listed with the reason, and released."""

from copy import replace
from typing import Any

from malleposte.accountd.calls.mailbox.quarantine import HeldMessage, Release, ShowQuarantine
from malleposte.accountd.message import MOST_ITEMS, ErrorCode

from tests.support.portal import ADDRESSES, BOTH
from tests.unit.portal.own.test_pages import DONE

ONE = HeldMessage("12", "Ami <ami@lointain.test>", "Dossier <b>", "2026-10-02T09:30:00+00:00", ("archive", "score"))
OTHER = HeldMessage("3", "", "", "2026-10-01T09:30:00+00:00")
HELD = replace(DONE, held=(ONE, OTHER), many=2)
PAGE = ADDRESSES["quarantine"][0]


def fields(page: Any) -> Any:
    (form,) = [one["fields"] for one in page.forms() if one["fields"].get("act") == "release"]
    return form


@BOTH
def test_each_is_shown_with_sender_time_and_reason(inside: Any, accountd: Any, language: int) -> None:
    accountd.answer = HELD
    page = inside.get(ADDRESSES["quarantine"][language])
    text = page.main
    assert "Dossier <b>" in text and "Ami <ami@lointain.test>" in text and "<b>" not in inside.last.text
    for told in ("2 October 2026", "an encrypted archive", "you moved it there") if language else (
        "2 octobre 2026", "une archive chiffrée", "vous l’y avez déplacé",
    ):  # fmt: skip
        assert told in text, told
    ticks = [held["value"] for held, _text in page.all("input") if held.get("name") == "message"]
    assert ticks == ["12", "3"]
    (request,) = accountd.requests(ShowQuarantine)
    assert request.uid == "mdupond"


def test_none_and_others_are_said(inside: Any, accountd: Any) -> None:
    accountd.answer = replace(HELD, more=True)
    assert "Il y en a d’autres" in inside.get(PAGE).main
    accountd.answer = DONE
    assert "Aucun message en quarantaine" in inside.get(PAGE).main


def test_ticked_messages_are_released_some_at_a_time(inside: Any, accountd: Any) -> None:
    accountd.answer = HELD
    form = fields(inside.get(PAGE))
    many = [str(number) for number in range(1, 21)]
    page = inside.post(PAGE, form | {"message": [*many, "1"]})
    assert "Messages arrivés dans votre boîte de réception : 4" in page.main
    sent = accountd.requests(Release)
    assert [one for request in sent for one in request.messages] == many
    assert [len(request.messages) for request in sent] == [MOST_ITEMS, 6]


def test_nothing_ticked_is_told_and_asks_for_nothing(inside: Any, accountd: Any) -> None:
    accountd.answer = HELD
    page = inside.post(PAGE, fields(inside.get(PAGE)))
    assert inside.last.status_code == 422 and "Cochez d’abord" in page.main
    assert accountd.requests(Release) == []


def test_what_was_released_already_is_told(inside: Any, accountd: Any) -> None:
    accountd.answer = HELD
    form = fields(inside.get(PAGE))
    accountd.refuse(ErrorCode.REFUSED_VALUE, Release, message="for the log alone")
    text = inside.post(PAGE, form | {"message": "12"}).main
    assert inside.last.status_code == 422 and "n’ont pas été sortis" in text and "log alone" not in text
