"""« Signalements »: what is shown of a report, what can be done, and how a plan begins from one."""

from __future__ import annotations

from typing import Any

import pytest
from malleposte.accountd.calls.dsi.reports import DsiAnswerReports, ReportedMessage, ReportsShown
from malleposte.accountd.message import ErrorCode

from tests.support.portal import ADDRESSES, BOTH

WAVE = ReportedMessage(
    "k1", 7, ("marie@ac-exemple.test",), "2026-12-01 03:00:00", "Voleur <b>", "Votre boîte <i>", "v@x.test", "vague@x"
)
FORGED = ReportedMessage("k2", 1, ("paul@ac-exemple.test",), "2026-11-30 02:00:00", "La rectrice", "Sortie")
PAGE, NEW = ADDRESSES["reports"], ADDRESSES["retraction_new"]


@pytest.fixture
def inside(visit: Any, log_in: Any, accountd: Any) -> Any:
    accountd.answer = ReportsShown("mdupond", reports=(WAVE, FORGED), here=True)
    log_in(visit)
    return visit


@BOTH
def test_each_is_shown_and_a_plan_begins_from_what_an_agent_got(inside: Any, language: int) -> None:
    page = inside.get(PAGE[language])
    for text in ("Voleur <b>", "Votre boîte <i>", "marie@ac-exemple.test", "Sortie", "7"):
        assert text in page.main, text
    assert "<i>" not in inside.last.text
    assert [one for one in page.links if one.startswith(NEW[language])] == [f"{NEW[language]}?signalement=k1"]


def test_the_form_of_a_plan_has_the_words_of_the_report(inside: Any, accountd: Any) -> None:
    page = inside.get(f"{NEW[0]}?signalement=k1")
    assert values(page) == {"sender": "v@x.test", "word": "Votre boîte <i>", "link": "", "message_id": "", "reason": ""}
    assert set(values(inside.get(f"{NEW[0]}?signalement=nothing")).values()) == {""}


def values(page: Any) -> dict[str, str]:
    """The text fields of the form, as they are filled in."""
    return {held["name"]: held.get("value", "") for held, _text in page.all("input") if held.get("type") == "text"}


def test_a_harmless_one_is_answered(inside: Any, accountd: Any) -> None:
    (form,) = [one for one in inside.get(PAGE[0]).forms() if one["fields"].get("key") == "k2"]
    page = inside.post(form["action"], form["fields"])
    assert accountd.only(DsiAnswerReports).key == "k2"
    assert "La réponse est envoyée" in page.main
    accountd.refuse(ErrorCode.REFUSED_VALUE)
    page = inside.post(form["action"], form["fields"])
    assert inside.last.status_code == 422 and "déjà reçu une réponse" in page.main


def test_an_address_elsewhere_is_said(inside: Any, accountd: Any) -> None:
    accountd.answer = ReportsShown("mdupond")
    page = inside.get(PAGE[0])
    assert "n’arrivent pas ici" in page.main and "Aucun." in page.main
