"""« Archivage »: what is kept is shown, forms ask accountd for what they say, a wrong one asks nothing."""

from copy import replace
from typing import Any

import pytest
from malleposte.accountd.calls.mailbox.archiving import (
    MONTHS,
    ArchivedNight,
    Archiving,
    InFolder,
    SetArchiving,
    UndoArchiving,
)
from malleposte.accountd.message import ErrorCode
from malleposte_portal.own.messages.archiving import AGES

from tests.support.portal import ADDRESSES, BOTH

NIGHT = ArchivedNight(1_796_000_000, (InFolder("Archives/2024", 2), InFolder("Archives/2025", 40)))
HELD = Archiving("mdupond", "active", months=12, done=True, label="Fait", nights=(NIGHT,))
NONE = Archiving("mdupond", "active", label="Fait")
PAGE = ADDRESSES["archiving"][0]


def fields(page: Any, act: str) -> Any:
    return next(one["fields"] for one in page.forms() if one["fields"].get("act") == act)


def sent(inside: Any, accountd: Any, act: str, **given: Any) -> Any:
    filled = fields(inside.get(PAGE), act)
    page = inside.post(PAGE, {**filled, **given})
    assert "C’est fait" in page.main and "C’est fait" not in inside.get(PAGE).main
    return accountd.only(UndoArchiving if act == "undo" else SetArchiving)


@BOTH
def test_what_is_kept_is_shown(inside: Any, accountd: Any, language: int) -> None:
    accountd.answer = HELD
    page = inside.get(ADDRESSES["archiving"][language])
    english = ("12 months", "label “Fait”", "40 in “Archives/2025”")
    for told in english if language else ("12 mois", "l’étiquette « Fait »", "2 dans « Archives/2024 »"):
        assert told in page.main, told
    ticked = [(one["name"], one["value"]) for one, _text in page.all("input") if "checked" in one]
    assert ticked == [("months", "12"), ("which", "done")]


def test_who_chose_nothing_sees_a_year(inside: Any, accountd: Any) -> None:
    accountd.answer = NONE
    page = inside.get(PAGE)
    assert "n’est pas en service" in page.main and "Rien n’a été archivé" in page.main
    assert [one["fields"]["act"] for one in page.forms() if "act" in one["fields"]] == ["choose"]
    accountd.answer = replace(NONE, label="")
    assert "étiquette" not in inside.get(PAGE).main


@pytest.mark.parametrize(("which", "done"), [("read", False), ("done", True)])
def test_a_choice_is_sent(inside: Any, accountd: Any, which: str, done: bool) -> None:
    accountd.answer = NONE
    asked = sent(inside, accountd, "choose", months="6", which=which)
    assert (asked.months, asked.done) == (6, done)


def test_it_is_turned_off(inside: Any, accountd: Any) -> None:
    accountd.answer = HELD
    asked = sent(inside, accountd, "off")
    assert asked.months == 0


def test_a_night_is_undone(inside: Any, accountd: Any) -> None:
    accountd.answer = HELD
    filled = fields(inside.get(PAGE), "undo")
    page = inside.post(PAGE, filled)
    assert accountd.only(UndoArchiving).at == NIGHT.at
    assert "C’est fait" in page.main


@pytest.mark.parametrize(
    "wrong", [{"act": "choose", "months": "7", "which": "read"}, {"act": "undo", "at": "-1"}, {"act": "rien"}]
)
def test_a_wrong_form_asks_nothing(inside: Any, accountd: Any, wrong: dict[str, str]) -> None:
    accountd.answer = HELD
    token = fields(inside.get(PAGE), "off")["csrf_token"]
    inside.post(PAGE, {"csrf_token": token, **wrong})
    assert inside.last.status_code == 422
    assert accountd.requests(SetArchiving) == [] == accountd.requests(UndoArchiving)


def test_a_refusal_of_accountd_is_told(inside: Any, accountd: Any) -> None:
    accountd.answer = HELD
    form = fields(inside.get(PAGE), "undo")
    accountd.refuse(ErrorCode.REFUSED_VALUE, UndoArchiving, message="for the log alone")
    page = inside.post(PAGE, form)
    assert inside.last.status_code == 422 and "leur délai est passé" in page.main
    assert "log alone" not in inside.last.text


def test_each_age_has_its_words() -> None:
    assert tuple(AGES) == MONTHS
