"""« Récupérer un message supprimé »: messages are found and come back."""

from copy import replace
from typing import Any

from malleposte.accountd.calls.mailbox.undelete import DeletedMessage, FindDeleted, Undelete
from malleposte.accountd.message import MOST_ITEMS, ErrorCode

from tests.support.portal import ADDRESSES, BOTH
from tests.unit.portal.own.test_pages import DONE

ONE = DeletedMessage("Projets:12", "Projets", "Ami <ami@lointain.test>", "Conseil <b>", "2026-10-02T09:30:00+00:00")
OTHER = DeletedMessage("Corbeille:3", "INBOX", "", "", "2026-10-01T09:30:00+00:00")
FOUND = replace(DONE, deleted=(ONE, OTHER), many=2)
PAGE = ADDRESSES["undelete"][0]


def fields(page: Any, act: str) -> Any:
    (found,) = [one["fields"] for one in page.forms() if one["fields"].get("act") == act]
    return found


@BOTH
def test_the_latest_are_shown_with_sender_time_and_folder(inside: Any, accountd: Any, language: int) -> None:
    accountd.answer = FOUND
    page = inside.get(ADDRESSES["undelete"][language])
    text = page.main
    assert "Conseil <b>" in text and "Ami <ami@lointain.test>" in text
    for told in ("2 October 2026", "Inbox", "(no subject)") if language else (
        "2 octobre 2026", "Boîte de réception", "(sans objet)",
    ):  # fmt: skip
        assert told in text, told
    ticks = [held["value"] for held, _text in page.all("input") if held.get("name") == "message"]
    assert ticks == [one.ident for one in FOUND.deleted]
    (request,) = accountd.requests(FindDeleted)
    assert (request.uid, request.sender, request.subject, request.days) == ("mdupond", "", "", 0)


def test_words_are_looked_for_and_stay_out_of_the_address(inside: Any, accountd: Any) -> None:
    accountd.answer = FOUND
    form = fields(inside.get(PAGE), "find")
    page = inside.post(PAGE, form | {"sender": " ami ", "subject": "conseil", "days": "7"})
    assert inside.last.status_code == 200 and "Messages trouvés" in page.main
    request = accountd.requests(FindDeleted)[-1]
    assert (request.sender, request.subject, request.days) == ("ami", "conseil", 7)
    assert inside.last.request.query_string == b""


def test_none_and_others_are_said(inside: Any, accountd: Any) -> None:
    accountd.answer = replace(FOUND, more=True)
    assert "Il y en a d’autres" in inside.get(PAGE).main
    accountd.answer = DONE
    assert "Aucun message à récupérer" in inside.get(PAGE).main
    assert "Il y en a d’autres" not in inside.last.text


def test_ticked_messages_come_back_some_at_a_time(inside: Any, accountd: Any) -> None:
    accountd.answer = FOUND
    form = fields(inside.get(PAGE), "back")
    many = [f"Projets:{number}" for number in range(1, 21)]
    page = inside.post(PAGE, form | {"message": [*many, "Projets:1"]})
    assert "Messages récupérés : 4" in page.main
    sent = accountd.requests(Undelete)
    assert [one for request in sent for one in request.messages] == many
    assert [len(request.messages) for request in sent] == [MOST_ITEMS, 6]
    assert "Messages récupérés" not in inside.get(PAGE).main


def test_nothing_ticked_is_told_and_asks_for_nothing(inside: Any, accountd: Any) -> None:
    accountd.answer = FOUND
    form = fields(inside.get(PAGE), "back")
    page = inside.post(PAGE, form)
    assert inside.last.status_code == 422 and "Cochez d’abord" in page.main
    assert accountd.requests(Undelete) == []


def test_what_was_brought_back_already_is_told(inside: Any, accountd: Any) -> None:
    accountd.answer = FOUND
    form = fields(inside.get(PAGE), "back")
    accountd.refuse(ErrorCode.REFUSED_VALUE, Undelete, message="for the log alone")
    page = inside.post(PAGE, form | {"message": "Projets:12"})
    text = page.main
    assert inside.last.status_code == 422 and "n’ont pas été récupérés" in text and "log alone" not in text


def test_a_long_word_or_an_odd_period_is_refused(inside: Any, accountd: Any) -> None:
    accountd.answer = FOUND
    form = fields(inside.get(PAGE), "find")
    before = len(accountd.requests(FindDeleted))
    for wrong in ({"sender": "x" * 101}, {"days": "400"}):
        inside.post(PAGE, form | wrong)
        assert inside.last.status_code == 422
    assert len(accountd.requests(FindDeleted)) == before
