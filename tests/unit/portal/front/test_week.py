"""« Aujourd’hui et cette semaine » on the first page: the agent's meetings, and the page without them."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from malleposte.accountd.calls.meetings.week import Meeting, MyWeek
from malleposte.accountd.message import ErrorCode
from malleposte_portal.front.pages import SECONDS

from tests.support.accountd import Told
from tests.support.portal import ADDRESSES, BOTH

HOME = ADDRESSES["home"]
TODAY = datetime.datetime.now().astimezone().date()
LATER = TODAY + datetime.timedelta(days=3)
VISIO = "https://visio.ac-exemple.test/reunion-1"
MEETINGS = (
    Meeting(TODAY.isoformat(), TODAY.isoformat(), "Journée <b>portes ouvertes</b>"),
    Meeting(f"{LATER}T08:00", f"{LATER}T09:30", "Conseil", "Salle <i>3</i>", VISIO),
    Meeting(f"{LATER}T10:00", f"{LATER}T11:00", "", VISIO, VISIO),
)


@pytest.fixture
def inside(visit: Any, log_in: Any, accountd: Any) -> Any:
    accountd.answer = Told("mdupond", meetings=MEETINGS)
    log_in(visit)
    return visit


@BOTH
def test_meetings_stand_by_day_with_a_button_for_the_link(inside: Any, accountd: Any, language: int) -> None:
    page = inside.get(HOME[language])
    assert len(accountd.requests(MyWeek)) == 1 and accountd.patience == SECONDS
    today, week = ("Today", "This week") if language else ("Aujourd’hui", "Cette semaine")
    main = page.main
    assert main.index(today) < main.index("Journée <b>") < main.index(week) < main.index("Conseil")
    assert "Salle <i>3</i>" in main and ("(no title)" if language else "(sans titre)") in main
    assert [h["href"] for h, _text in page.all("a") if "visio" in h.get("href", "")] == [VISIO, VISIO]
    assert VISIO not in main, "the link is a button alone"
    assert "<b>" not in inside.last.text and "<i>" not in inside.last.text


@pytest.mark.parametrize("error", [ErrorCode.UNAVAILABLE, ErrorCode.SLOW_DOWN, ErrorCode.NOT_PROVED])
def test_the_page_stands_without_an_agenda(inside: Any, accountd: Any, error: ErrorCode) -> None:
    accountd.refuse(error)
    page = inside.get(HOME[0])
    assert inside.last.status_code == 200
    assert "Votre agenda ne répond pas" in page.main and "Mon compte" in page.main


def test_a_free_week_and_a_full_one_are_said(inside: Any, accountd: Any) -> None:
    accountd.answer = Told("mdupond", meetings=())
    assert "Aucune réunion" in inside.get(HOME[0]).main
    accountd.answer = Told("mdupond", meetings=(), more=True)
    assert "trop d’événements" in inside.get(HOME[0]).main
    accountd.answer = Told("mdupond", meetings=MEETINGS[:1], more=True)
    assert "Les plus lointaines" in inside.get(HOME[0]).main


def test_a_visitor_sees_nothing_of_it_and_asks_nothing(visit: Any, accountd: Any) -> None:
    page = visit.get(HOME[0])
    assert "cette semaine" not in page.main and accountd.asked == []
