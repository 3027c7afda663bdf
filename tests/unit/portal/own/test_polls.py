"""« Sondage de dates »: the organiser's pages, and the page of a link."""

from __future__ import annotations

from typing import Any

import pytest
from malleposte.accountd.calls.meetings.polls import (
    SLOTS,
    AskPoll,
    DecidePoll,
    EndPoll,
    PollPage,
    Row,
    SeePoll,
    Shown,
    Slot,
    VotePoll,
)
from malleposte.accountd.message import ErrorCode
from msgspec.structs import replace

from tests.support.accountd import Told
from tests.support.portal import ADDRESSES, BOTH

LIST, NEW, ONE_PAGE, END, DECIDE = (
    ADDRESSES[name] for name in ("polls", "poll_new", "poll", "poll_end", "poll_decide")
)
LINK = "20990101-000000-0000.abc"
BALLOT = tuple(f"{one}?lien={LINK}" for one in ADDRESSES["ballot"])
SLOT = (Slot("2099-06-15T08:00", "2099-06-15T09:00"), Slot("2099-06-16T08:00", "2099-06-16T09:00"))
ONE = Shown(
    "20990101-000000-0000", "Conseil <b>", "Marie <i>", SLOT,
    (Row("Anne <u>", "yn"), Row("x@example.org", "m-", failed=True)), made="2099-01-01T00:00:00+00:00",
)  # fmt: skip
SEEN = Shown("", "Conseil <b>", "Marie <i>", SLOT, (), "Texte <s>", "y-")
GIVEN = {"title": "Conseil", "slots": "15/06/2099 8h-9h\n16/06/2099 08:30 à 9h45", "people": "anne", "text": ""}


@pytest.fixture
def inside(visit: Any, log_in: Any, accountd: Any) -> Any:
    accountd.answer = Told("mdupond", polls=(ONE,), poll=ONE, visio=True)
    log_in(visit)
    return visit


@BOTH
def test_votes_are_shown_by_slot(inside: Any, language: int) -> None:
    assert "Conseil <b>" in inside.get(LIST[language]).main
    page = inside.get(f"{ONE_PAGE[language]}?sondage={ONE.ident}")
    for part in (
        "Anne <u>",
        "x@example.org",
        "Yes (1)" if language else "Oui (1)",
        "If need be (1)" if language else "Si besoin (1)",
    ):
        assert part in page.main, part
    assert "<b>" not in inside.last.text and "<u>" not in inside.last.text
    assert len([one for one in page.forms() if one["action"] == DECIDE[language]]) == 2


def test_a_poll_is_asked_of_accountd(inside: Any, accountd: Any) -> None:
    inside.send(NEW[0], **GIVEN, tell="y")
    request = accountd.only(AskPoll)
    assert request.slots == "2099-06-15T08:00 2099-06-15T09:00\n2099-06-16T08:30 2099-06-16T09:45" and request.tell


@pytest.mark.parametrize("slots", ["", "demain", "31/02/2099 8h-9h", "15/06/2099 25h-26h", "15/06/2099 8h", "x" * 1001])
def test_a_line_that_is_no_slot_is_named(inside: Any, accountd: Any, slots: str) -> None:
    inside.send(NEW[0], **GIVEN | {"slots": slots})
    assert inside.last.status_code == 422 and accountd.requests(AskPoll) == []


def test_a_slot_is_chosen_or_the_poll_is_ended(inside: Any, accountd: Any) -> None:
    page = f"{ONE_PAGE[0]}?sondage={ONE.ident}"
    inside.press(page, DECIDE[0], poll=ONE.ident, slot="1")
    assert (accountd.requests(DecidePoll)[0].poll, accountd.requests(DecidePoll)[0].slot) == (ONE.ident, 1)
    inside.press(page, END[0], poll=ONE.ident)
    assert accountd.requests(EndPoll)[0].poll == ONE.ident
    accountd.refuse(ErrorCode.REFUSED_VALUE, only=DecidePoll, message=SLOTS)
    accountd.answer = Told("mdupond", poll=ONE)
    answer = inside.press(page, DECIDE[0], poll=ONE.ident, slot="0")
    assert answer.status_code == 422 and "ne peut plus être choisi" in answer.text
    accountd.answer = Told("mdupond", poll=replace(ONE, open=False, chosen=1))
    assert inside.get(page).main.count("Choisi") == 1


@BOTH
def test_a_link_shows_the_own_votes_and_nobody_else_s(visit: Any, accountd: Any, language: int) -> None:
    accountd.answer = PollPage(poll=SEEN)
    page = visit.get(BALLOT[language])
    assert accountd.only(SeePoll).ticket == LINK
    assert "Conseil <b>" in page.heading and "Marie <i>" in page.main and "Texte <s>" in page.main
    assert "<b>" not in visit.last.text and "<s>" not in visit.last.text and "<i>" not in visit.last.text
    chosen = [held["value"] for held, _text in page.all("input") if held.get("type") == "radio" and "checked" in held]
    assert chosen == ["y"] and "x@example.org" not in page.main
    assert visit.last.headers["X-Robots-Tag"] == "noindex, nofollow"
    accountd.answer = PollPage(poll=replace(SEEN, rows=(Row("Anne <u>", "yn"),), tell=True))
    assert "Anne <u>" in visit.get(BALLOT[language]).main


def test_votes_are_sent_and_what_is_none_is_left_out(visit: Any, accountd: Any) -> None:
    accountd.answer = PollPage(poll=SEEN)
    page = visit.send(BALLOT[0], slot0="m", slot1="<script>")
    request = accountd.requests(VotePoll)[-1]
    assert (request.votes, request.source) == ("m-", "192.0.2.7") and "C’est noté" in page.main


@BOTH
def test_a_wrong_link_and_an_ended_poll_are_one_page(visit: Any, accountd: Any, language: int) -> None:
    accountd.refuse(ErrorCode.NOT_PROVED)
    pages = [visit.get(one).main for one in (BALLOT[language], BALLOT[language] + "x" * 30)]
    assert visit.last.status_code == 404 and pages[0] == pages[1]
    accountd.refuse(ErrorCode.SLOW_DOWN, wait=60)
    visit.get(BALLOT[language])
    assert visit.last.status_code == 429
    accountd.refuse(ErrorCode.UNAVAILABLE)
    visit.get(BALLOT[language])
    assert visit.last.status_code == 503
