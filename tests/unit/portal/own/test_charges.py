"""« Mes boîtes et listes »: shown to their managers, changed part by part."""

from copy import replace
from typing import Any

import pytest
from malleposte.accountd.calls.shared.charges import Charge, Member, SetCharge
from malleposte.accountd.message import ErrorCode

from tests.support.portal import ADDRESSES, BOTH
from tests.unit.portal.own.test_pages import DONE

BOX = Charge("box", "ce.x", "Collège X", "ce.x@ac-exemple.test", delegates=("mdupond", "pmartin"))
LIST = Charge(
    "list", "conseil", "Conseil", "conseil@ac-exemple.test", posters=("@anyone", "@list:autre", "ami@exemple.test"),
    moderators=("pmartin",),
)  # fmt: skip
PEOPLE = (Member("pmartin", "Paul Martin"),)
ALL, ONE, ADD, REMOVE = (ADDRESSES[name][0] for name in ("charges", "charge", "charge_add", "charge_remove"))


@BOTH
def test_boxes_and_lists_are_listed_with_a_way_to_each(inside: Any, accountd: Any, language: int) -> None:
    accountd.answer = replace(DONE, charges=(BOX, LIST), more=True)
    page = inside.get(ADDRESSES["charges"][language])
    links = page.links
    assert f"{ADDRESSES['charge'][language]}?kind=box&name=ce.x" in links
    assert ("There are others" if language else "Il y en a d’autres") in page.main
    accountd.answer = DONE
    page = inside.get(ADDRESSES["charges"][language])
    assert ("You manage no box" if language else "responsable d’aucune") in page.main


@BOTH
def test_each_part_is_shown_in_words(inside: Any, accountd: Any, language: int) -> None:
    accountd.answer = replace(DONE, charges=(BOX,), people=PEOPLE)
    page = inside.get(f"{ADDRESSES['charge'][language]}?kind=box&name=ce.x")
    assert "Paul Martin (pmartin)" in page.main and "mdupond" in page.main
    accountd.answer = replace(DONE, charges=(LIST,), people=PEOPLE)
    page = inside.get(f"{ADDRESSES['charge'][language]}?kind=list&name=conseil")
    words = ("Everybody", "list “autre”") if language else ("Tout le monde", "la liste « autre »")
    assert all(one in page.main for one in (*words, "ami@exemple.test", "Paul Martin"))
    accountd.answer = replace(DONE, charges=(replace(LIST, posters=(), moderators=()),))
    page = inside.get(f"{ADDRESSES['charge'][language]}?kind=list&name=conseil")
    assert ("leave unread" if language else "sans relecture") in page.main
    accountd.answer = replace(DONE, charges=(replace(BOX, delegates=()),))
    inside.get(f"{ADDRESSES['charge'][language]}?kind=box&name=ce.x")


@pytest.mark.parametrize(
    ("query", "typed", "who"),
    [
        ("kind=box&name=ce.x&part=delegate", {"value": " pmartin "}, "pmartin"),
        ("kind=list&name=conseil&part=moderator", {"value": "pmartin"}, "pmartin"),
        ("kind=list&name=conseil&part=poster", {"group": "", "value": "ami@exemple.test"}, "ami@exemple.test"),
        ("kind=list&name=conseil&part=poster", {"group": "@staff", "value": ""}, "@staff"),
    ],
)
def test_one_more(inside: Any, accountd: Any, query: str, typed: dict[str, str], who: str) -> None:
    accountd.answer = replace(DONE, charges=(BOX,))
    form = inside.get(f"{ADD}?{query}").form(ADD)
    page = inside.post(ADD, form | typed)
    assert "C’est fait" in page.main and inside.last.request.path == ONE
    sent = accountd.only(SetCharge)
    wanted = dict(part.split("=") for part in query.split("&"))
    assert (sent.kind, sent.name, sent.part, sent.who, sent.add) == (*wanted.values(), who, True)
    assert sent.uid == "mdupond" and sent.token.count(".") == 2


def test_one_less_and_what_lasts_some_minutes(inside: Any, accountd: Any) -> None:
    accountd.answer = replace(DONE, charges=(BOX,), open=("dovecot",))
    given = {"kind": "box", "name": "ce.x", "part": "delegate", "who": "pmartin"}
    answer = inside.press(f"{ONE}?kind=box&name=ce.x", REMOVE, **given)
    assert answer.status_code == 303
    sent = accountd.only(SetCharge)
    assert (sent.who, sent.add) == ("pmartin", False)
    assert "quelques minutes" in inside.get(answer.headers["Location"]).main


def test_nobody_and_a_stranger_are_told_at_the_field(inside: Any, accountd: Any) -> None:
    accountd.answer = replace(DONE, charges=(LIST,))
    query = "kind=list&name=conseil&part=poster"
    form = inside.get(f"{ADD}?{query}").form(ADD)
    page = inside.post(ADD, form | {"group": "", "value": ""})
    assert inside.last.status_code == 422 and page.named("value-error") and accountd.requests(SetCharge) == []
    page = inside.post(ADD, form | {"group": "@anyone", "value": ""})
    assert inside.last.status_code == 422 and page.named("group-error") and accountd.requests(SetCharge) == []
    accountd.refuse(ErrorCode.REFUSED_VALUE, message="for the log alone")
    page = inside.post(ADD, form | {"group": "", "value": "nul"})
    assert inside.last.status_code == 422 and "pas connu" in page.named("value-error")
    assert "for the log alone" not in inside.last.text


def test_what_is_another_s_leads_back_to_the_list(inside: Any, accountd: Any) -> None:
    accountd.answer = DONE
    assert inside.raw(f"{ADD}?kind=box&name=ce.x&part=manager").headers["Location"] == ALL
    assert inside.raw(ONE).headers["Location"] == ALL
    accountd.refuse(ErrorCode.NOT_FOUND)
    assert inside.raw(f"{ONE}?kind=box&name=ce.y").headers["Location"] == ALL
    accountd.refuse(ErrorCode.UNAVAILABLE)
    assert inside.raw(f"{ONE}?kind=box&name=ce.y").status_code == 503
