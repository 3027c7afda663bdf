"""The pages that trace messages, the agent's and the help desk's: what became of each, in sentences."""

from copy import replace
from typing import Any

import pytest
from malleposte.accountd.calls.desk.traces import DeskTrace
from malleposte.accountd.calls.mailbox.trace import TracedMessage, TraceMessages
from malleposte.accountd.message import ErrorCode
from malleposte.deliveries.model import State
from malleposte_portal.own.diagnosis import REFUSED_MAIL
from malleposte_portal.own.messages.trace import STATES

from tests.support.portal import ADDRESSES, BOTH
from tests.unit.portal.own.test_pages import DONE

TIME, AT = "2026-10-02T09:30:00+00:00", "2026-10-02T09:31:00+00:00"
ONE = TracedMessage(TIME, "in", "ami@lointain.test", "filed", AT, "Indésirables", "spam")
SENT = TracedMessage(TIME, "out", "jean@exemple.test", "left", AT)
ANSWER = replace(DONE, traced=(ONE, SENT), more=False, since="2026-09-20T08:00:00+00:00", looked=True)
PAGE, DESK = ADDRESSES["trace"], ADDRESSES["desk_trace"]


@pytest.fixture(params=["agent", "desk"])
def look(request: Any, inside: Any, accountd: Any) -> Any:
    """Looking for messages on either page, in French (0) or English; the request beside the page's text."""

    def looked(language: int = 0, **fields: str) -> tuple[Any, str]:
        desk = request.param == "desk"
        address = f"{DESK[language]}?agent=jmartin" if desk else PAGE[language]
        form = inside.get(address).forms()[-1]["fields"]
        reason = {"reason": "demande 4711"} if desk else {}
        page = inside.post((DESK if desk else PAGE)[language], form | reason | fields)
        asked = accountd.requests(DeskTrace if desk else TraceMessages)
        return asked[-1] if asked else None, page.main

    accountd.answer = ANSWER
    return looked


@BOTH
def test_messages_are_shown_with_their_end_and_its_reason(look: Any, inside: Any, language: int) -> None:
    request, text = look(language, sender=" Ami@lointain.test ", word="jury  de mai")
    assert inside.last.status_code == 200 and inside.last.request.query_string == b""
    assert (request.sender, request.word, request.token.count(".")) == ("Ami@lointain.test", "jury de mai", 2)
    for said in (
        ("From ami@lointain.test", "Arrived in “Indésirables” on", "It was judged", "To jean@exemple.test", "Taken by")
        if language
        else (
            "De ami@lointain.test, le 2 octobre 2026", "Arrivé dans « Indésirables » le 2 octobre 2026",
            "Il a été jugé indésirable.", "À jean@exemple.test", "Pris par le serveur",
        )
    ):  # fmt: skip
        assert said in text, said


def test_nothing_is_said_with_the_day_since_when_something_would_be(look: Any, accountd: Any) -> None:
    accountd.answer = replace(ANSWER, traced=())
    assert "Rien de tel n’est venu. Les messages sont suivis depuis le 20 septembre 2026." in look()[1]
    accountd.answer = replace(ANSWER, traced=(), since="", looked=False, more=True)
    _request, text = look()
    assert "suivis depuis" not in text and "pas complète" in text and "Il y en a d’autres" in text
    accountd.answer = ANSWER
    _request, text = look()
    assert "Rien de tel" not in text and "pas complète" not in text and "Il y en a d’autres" not in text


@pytest.mark.parametrize(
    ("changes", "said", "english"),
    [
        ({"folder": "INBOX", "reason": ""}, "Arrivé dans « Boîte de réception »", "Arrived in “Inbox”"),
        ({"passed_on": "a@b.test"}, "l’a aussi passé à a@b.test", "also passed it on to a@b.test"),
        ({"state": "redirected", "passed_on": "a@b.test"}, "Passé par un filtre de la boîte à a@b.test", "without"),
        ({"state": "discarded"}, "Supprimé par un filtre", "Deleted by a filter"),
        ({"state": "refused", "reason": "virus"}, "Il contenait un virus", "It contained a virus"),
        ({"state": "refused", "reason": "", "answer": "553 5.7.1 no <b>"}, "553 5.7.1 no <b>", "553 5.7.1 no <b>"),
        ({"state": "later"}, "un serveur honnête réessaie", "an honest server tries again"),
        ({"state": "deferred", "answer": "450 wait"}, "Il attend", "It waits"),
        ({"state": "bounced"}, "L’expéditeur en a été averti", "The sender was told"),
        ({"state": "held", "way": "out", "reason": "many"}, "la DSI peut l’envoyer", "the IT department"),
        ({"state": "waiting"}, "Il est dans la file", "It is in the queue"),
        ({"way": "out", "folder": ""}, "Arrivé le 2 octobre", "Arrived on 2 October"),
        ({"folder": "Hors horaires"}, "Il y attend les horaires", "There it waits"),
        (
            {"folder": "Hors horaires", "comes": "2099-01-05T08:00:00+01:00"},
            "Il passera dans la boîte de réception le 5 janvier 2099", "will go to the inbox on 5 January 2099",
        ),
        (
            {"folder": "Hors horaires", "comes": "2026-10-02T13:00:00+02:00"},
            "D’après les horaires d’aujourd’hui, il est passé dans la boîte de réception le 2 octobre 2026",
            "By the hours of today, it went to the inbox on 2 October 2026",
        ),
        ({"other": ""}, "D’une adresse inconnue", "From an unknown address"),
    ],
)  # fmt: skip
def test_each_end_in_both_languages(
    inside: Any, accountd: Any, changes: dict[str, Any], said: str, english: str
) -> None:
    fields = {name: getattr(ONE, name) for name in ONE.__struct_fields__}
    accountd.answer = replace(ANSWER, traced=(TracedMessage(**fields | changes),))
    for language, words in enumerate((said, english)):
        page = inside.post(PAGE[language], inside.get(PAGE[language]).forms()[-1]["fields"])
        assert words in page.main, words
    assert "<b>" not in inside.last.text


def test_every_state_and_reason_has_its_words() -> None:
    assert set(STATES) == {*map(str, State), "arrived", "sealed"}
    assert {reason for way, reason in REFUSED_MAIL if way == "in"} >= {"virus", "spam", "forged", "dmarc", "structure"}


def test_words_that_no_index_has_are_said_to_be_too_short(look: Any, inside: Any, accountd: Any) -> None:
    for kind in (TraceMessages, DeskTrace):
        accountd.refuse(ErrorCode.REFUSED_VALUE, kind, message="for the log alone")
    _request, text = look(word="RH")
    assert inside.last.status_code == 422
    assert (
        "au moins trois lettres" in text and "log alone" not in text and "derniers jours</h2>" not in inside.last.text
    )


def test_a_long_part_asks_nothing(look: Any, inside: Any) -> None:
    request, text = look(word="x" * 101)
    assert (inside.last.status_code, request) == (422, None) and "100 caractères" in text
    assert look(word="x" * 100)[0].word == "x" * 100


def test_a_look_of_the_help_desk_needs_a_reason_and_names_the_agent(inside: Any, accountd: Any) -> None:
    accountd.answer = ANSWER
    form = inside.get(f"{DESK[0]}?agent=jmartin").forms()[-1]["fields"]
    assert inside.post(DESK[0], form | {"reason": " x "}).named("reason-error")
    assert inside.last.status_code == 422 and accountd.requests(DeskTrace) == []
    inside.post(DESK[0], form | {"reason": "demande 4711"})
    (request,) = accountd.requests(DeskTrace)
    assert (request.target, request.reason, request.sender) == ("jmartin", "demande 4711", "")
    assert inside.raw(DESK[0]).headers["Location"] == "/assistance", "without an agent"


def test_the_diagnosis_and_the_sheet_lead_there(inside: Any, another: Any, accountd: Any) -> None:
    assert PAGE[0] in inside.get(ADDRESSES["diagnosis"][0]).links
    assert PAGE[0] not in another().get(ADDRESSES["diagnosis"][0]).links
    assert f"{DESK[0]}?agent=mdupond" in inside.get(f"{ADDRESSES['desk_agent'][0]}?agent=mdupond").links
