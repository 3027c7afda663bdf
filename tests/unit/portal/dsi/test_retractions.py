"""« Retirer des messages »: what is asked of accountd, and what each state of a retraction shows."""

from __future__ import annotations

from typing import Any

import pytest
from malleposte.accountd.calls.dsi.retractions import DsiGiveBack, DsiPlanRetraction, DsiRetract, DsiRetraction
from malleposte.accountd.message import ErrorCode, Forbidden
from malleposte.accounts.retraction.model import Order, Stage
from malleposte.accounts.retraction.orders import Alike, Listed, Shown, Summary
from msgspec.structs import replace

from tests.support.accountd import Told
from tests.support.portal import ADDRESSES, BOTH

IDENT = "20261130-101500-3f2a"
LINE = Summary(IDENT, "2026-11-30T10:15:00+00:00", "anne", "hameçonnage <b>", Stage.PLANNED, boxes=12, copies=14)
SHOWN = Shown(
    LINE, (Alike(3, "pirate@x <b>", "2026-11-30T08:00:00+00:00", "2026-11-30T08:20:00+00:00", "vague@x"),), 2, 15,
    Listed(("mdupond",), 21), Listed(("adurand → moi@ailleurs.test",), 1), Listed(("b@ac-exemple.test",), 1),
)  # fmt: skip
LIST, NEW, PAGE = (ADDRESSES[name] for name in ("retractions", "retraction_new", "retraction"))
TAKE, BACK = ADDRESSES["retract"], ADDRESSES["give_back"]


@pytest.fixture
def inside(visit: Any, log_in: Any, accountd: Any) -> Any:
    """A person of the DSI, whom accountd lets in."""
    accountd.answer = told()
    log_in(visit)
    return visit


def told(shown: Shown = SHOWN, *, mine: bool = False) -> Told:
    return Told("mdupond", shown=shown, mine=mine, retractions=(shown.summary,))


def at(**changed: Any) -> Shown:
    return replace(SHOWN, summary=replace(LINE, **changed))


def sent(page: Any) -> set[str]:
    """The addresses to which the forms of the page's own part go."""
    return {one["action"] for one in page.forms() if "retraction" in one["fields"]}


@BOTH
def test_the_list_names_each_with_its_state(inside: Any, accountd: Any, language: int) -> None:
    page = inside.get(LIST[language])
    assert "hameçonnage <b>" in page.main and "<b>" not in inside.last.text
    assert ("The plan is ready" if language else "Plan prêt") in page.main
    assert f"{PAGE[language]}?retrait={IDENT}" in page.links and NEW[language] in page.links


@BOTH
def test_a_plan_shows_messages_boxes_and_what_is_out_of_reach(inside: Any, accountd: Any, language: int) -> None:
    page = inside.get(f"{PAGE[language]}?retrait={IDENT}")
    assert accountd.requests(DsiRetraction)[-1].retraction == IDENT
    for text in ("pirate@x <b>", "vague@x", "mdupond", "adurand → moi@ailleurs.test", "b@ac-exemple.test", "12", "14"):
        assert text in page.main, text
    assert ("and 20 others" if language else "et 20 autres") in page.main
    assert "<b>" not in inside.last.text
    assert sent(page) == {TAKE[language]}


@pytest.mark.parametrize(
    ("changed", "mine", "says", "forms"),
    [
        ({"order": Order.PLAN, "stage": Stage.ASKED}, False, "Plan en préparation", set()),
        ({"copies": 0, "boxes": 0}, False, "Rien à retirer", set()),
        ({"why": "many"}, False, "L’accord de deux personnes est nécessaire", {TAKE[0]}),
        ({"why": "inside", "persons": ("anne",)}, True, "Attend l’accord d’une seconde personne", set()),
        ({"why": "inside", "persons": ("anne",)}, False, "Donner mon accord et retirer", {TAKE[0]}),
        ({"order": Order.TAKE}, True, "Retrait en cours", set()),
        ({"stage": Stage.DONE}, True, "retirés de 12 boîtes", {BACK[0]}),
        ({"stage": Stage.BEGUN}, True, "Tout n’a pas pu être retiré", {TAKE[0], BACK[0]}),
        ({"stage": Stage.TAKEN_BACK}, True, "rendus aux agents", set()),
    ],
)
def test_each_state_offers_what_can_be_done(
    inside: Any, accountd: Any, changed: dict[str, Any], mine: bool, says: str, forms: set[str]
) -> None:
    accountd.answer = told(at(**changed), mine=mine)
    page = inside.get(f"{PAGE[0]}?retrait={IDENT}")
    assert says in page.main
    assert sent(page) == forms


def test_a_plan_is_asked_for_with_all_that_was_given(inside: Any, accountd: Any) -> None:
    inside.get(NEW[0])
    given = {"sender": "pirate@x", "word": "mot de passe", "link": "voleur.example", "refuse_link": "y"}
    page = inside.send(NEW[0], reason=" hameçonnage ", **given)
    request = accountd.only(DsiPlanRetraction)
    assert (request.sender, request.word, request.link, request.refuse_link) == (*list(given.values())[:3], True)
    assert (request.reason, request.message_id) == ("hameçonnage", "")
    assert "pirate@x <b>" in page.main, "the way leads to the plan"


def test_a_form_that_looks_for_nothing_or_gives_no_reason_asks_for_nothing(inside: Any, accountd: Any) -> None:
    inside.get(NEW[0])
    page = inside.send(NEW[0], reason="hameçonnage")
    assert inside.last.status_code == 422 and "Indiquez au moins un expéditeur" in page.main
    page = inside.send(NEW[0], sender="pirate@x", reason="")
    assert inside.last.status_code == 422 and "Indiquez un motif" in page.main
    assert accountd.requests(DsiPlanRetraction) == []


@pytest.mark.parametrize(("form", "kind"), [("retract", DsiRetract), ("give_back", DsiGiveBack)])
def test_a_button_orders_and_leads_back_to_the_page(inside: Any, accountd: Any, form: str, kind: type[Any]) -> None:
    accountd.answer = told(at(stage=Stage.BEGUN))
    page = inside.get(f"{PAGE[0]}?retrait={IDENT}")
    (fields,) = [one["fields"] for one in page.forms() if one["action"] == ADDRESSES[form][0]]
    page = inside.post(ADDRESSES[form][0], fields)
    assert accountd.only(kind).retraction == IDENT
    assert "pirate@x" in page.main


@pytest.mark.parametrize("address", [LIST[0], NEW[0], f"{PAGE[0]}?retrait={IDENT}"])
def test_a_factor_of_long_ago_opens_none_and_can_be_shown_again(inside: Any, accountd: Any, address: str) -> None:
    accountd.refuse(ErrorCode.FORBIDDEN, message=Forbidden.LATELY)
    page = inside.get(address)
    assert inside.last.status_code == 403 and "pirate@x" not in inside.last.text
    assert any(one.startswith(ADDRESSES["login_again"][0]) for one in page.links)
    accountd.refuse(ErrorCode.FORBIDDEN, message=Forbidden.DSI)
    page = inside.get(address)
    assert inside.last.status_code == 403 and not any("vers=" in one for one in page.links)
