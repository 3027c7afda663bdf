"""« Filtrage »: the level changes, senders come and go."""

from copy import replace
from typing import Any

import pytest
from malleposte.accountd.calls.mailbox.senders import Sender, SetSenders, ShowSenders, Unfit
from malleposte.accountd.calls.shared.charges import Charge
from malleposte.accountd.message import MOST_ITEMS, ErrorCode
from malleposte_portal.own.senders import UNFIT

from tests.support.accountd import answer_to
from tests.support.portal import ADDRESSES, BOTH
from tests.unit.portal.own.test_pages import ACCOUNT, DONE

HELD = replace(
    DONE, level="strict", senders=(Sender("ami@lointain.test", True), Sender("pub.test", False))
)  # fmt: skip
PAGE = ADDRESSES["filtering"][0]


def fields(page: Any, act: str) -> Any:
    return [one["fields"] for one in page.forms() if one["fields"].get("act") == act][-1]


@BOTH
def test_level_and_senders_are_shown(inside: Any, accountd: Any, language: int) -> None:
    accountd.answer = HELD
    page = inside.get(ADDRESSES["filtering"][language])
    text = page.main
    assert "ami@lointain.test" in text and "pub.test" in text
    (chosen,) = [
        held["value"] for held, _text in page.all("input") if held.get("name") == "level" and "checked" in held
    ]
    assert chosen == "strict"
    accountd.answer = DONE
    text = inside.get(ADDRESSES["filtering"][language]).main
    assert ("No blocked sender" if language else "Aucun expéditeur bloqué") in text


def test_long_lists_are_asked_for_in_parts(inside: Any, accountd: Any) -> None:
    parts = {0: HELD.senders, 2: (Sender("autre.test", False),)}

    def one(request: Any) -> Any:
        accountd.asked.append(request)
        return answer_to(request, replace(HELD, senders=parts[request.after], more=request.after == 0))

    accountd.call = one
    assert "autre.test" in inside.get(PAGE).main
    assert [one.after for one in accountd.asked] == [0, 2]


def test_the_level_is_changed(inside: Any, accountd: Any) -> None:
    accountd.answer = HELD
    page = inside.post(PAGE, fields(inside.get(PAGE), "level") | {"level": "normal"})
    asked = accountd.only(SetSenders)
    assert (asked.uid, asked.level, asked.allow, asked.block, asked.remove) == ("mdupond", "normal", (), (), ())
    assert "C’est fait" in page.main
    assert "C’est fait" not in inside.get(PAGE).main


@pytest.mark.parametrize("kind", ["allow", "block"])
def test_a_sender_is_added(inside: Any, accountd: Any, kind: str) -> None:
    accountd.answer = HELD
    inside.post(PAGE, fields(inside.get(PAGE), "add") | {"value": " x@sur.test ", "list": kind})
    asked = accountd.only(SetSenders)
    assert {"allow": asked.allow, "block": asked.block} == {"allow": (), "block": (), kind: ("x@sur.test",)}


def test_ticked_senders_go_some_at_a_time(inside: Any, accountd: Any) -> None:
    accountd.answer = HELD
    many = [f"a{number}.test" for number in range(20)]
    inside.post(PAGE, fields(inside.get(PAGE), "remove") | {"sender": [*many, "a0.test"]})
    assert [one for asked in accountd.requests(SetSenders) for one in asked.remove] == many
    assert [len(asked.remove) for asked in accountd.requests(SetSenders)] == [MOST_ITEMS, 6]


def test_what_is_missing_is_told_and_nothing_asked(inside: Any, accountd: Any) -> None:
    accountd.answer = HELD
    page = inside.get(PAGE)
    for act, wrong, told in (
        ("add", {"value": ""}, "Indiquez une adresse"), ("add", {"value": "x" * 400}, "trop longue"),
        ("add", {"value": "a.test", "list": "other"}, ""), ("level", {"level": "other"}, ""), ("remove", {}, "Cochez"),
    ):  # fmt: skip
        answer = inside.post(PAGE, fields(page, act) | wrong)
        assert inside.last.status_code == 422, act
        assert told in answer.main
        assert answer.all("title")[0][1].startswith("Erreur")
    inside.post(PAGE, fields(page, "add") | {"act": "else"})
    assert inside.last.status_code == 422
    assert accountd.requests(SetSenders) == []


@BOTH
@pytest.mark.parametrize("reason", Unfit)
def test_what_accountd_does_not_take_is_said_at_the_field(
    inside: Any, accountd: Any, reason: Unfit, language: int
) -> None:
    accountd.answer = HELD
    path = ADDRESSES["filtering"][language]
    form = fields(inside.get(path), "add")
    accountd.refuse(ErrorCode.REFUSED_VALUE, SetSenders, message=reason.value)
    page = inside.post(path, form | {"value": "<b>x</b>", "list": "block"})
    assert inside.last.status_code == 422
    told, words = page.named("value-error"), " ".join(UNFIT[reason].split())
    assert told and (words in told) is not bool(language)
    assert "<b>x</b>" not in inside.last.text and "ami@lointain.test" in page.main


def test_a_refusal_that_has_no_words_is_no_fault_of_the_agent(inside: Any, accountd: Any) -> None:
    accountd.answer = HELD
    form = fields(inside.get(PAGE), "level")
    accountd.refuse(ErrorCode.REFUSED_VALUE, SetSenders, message="for the log alone")
    page = inside.post(PAGE, form | {"level": "normal"})
    assert inside.last.status_code == 503 and "log alone" not in inside.last.text
    assert "ne répond pas" in page.main


def test_without_the_page_s_own_word_nothing_is_changed(inside: Any, accountd: Any) -> None:
    accountd.answer = HELD
    form = fields(inside.get(PAGE), "level") | {"level": "normal"}
    inside.post(PAGE, form | {"csrf_token": "x"})
    assert inside.last.status_code == 400 and accountd.requests(SetSenders) == []
    inside.post(PAGE, form)
    assert len(accountd.requests(SetSenders)) == 1


# --- of a functional box ---

OF_BOX = ADDRESSES["charge_filtering"][0]


def test_a_box_has_the_same_page_for_its_manager(inside: Any, accountd: Any) -> None:
    accountd.answer = HELD
    where = f"{OF_BOX}?name=ce.x"
    page = inside.get(where)
    text = page.main
    assert "ami@lointain.test" in text and "Filtrage de la boîte ce.x" in text and "tous ceux qui l’ouvrent" in text
    assert {one["action"] for one in page.forms() if one["fields"].get("act")} == {OF_BOX}
    for act, more in (
        ("level", {"level": "normal"}), ("add", {"value": "pub2.test", "list": "block"}),
        ("remove", {"sender": "pub.test"}),
    ):  # fmt: skip
        answer = inside.post(OF_BOX, fields(page, act) | more)
        assert "C’est fait" in answer.main, act
        assert (inside.last.request.path, inside.last.request.query_string) == (OF_BOX, b"name=ce.x")
    changes = accountd.requests(SetSenders)
    assert [(one.level, one.block, one.remove) for one in changes] == [
        ("normal", (), ()), ("", ("pub2.test",), ()), ("", (), ("pub.test",)),
    ]  # fmt: skip
    asked = [one for one in accountd.asked if isinstance(one, SetSenders | ShowSenders)]
    assert {(one.uid, one.box) for one in asked} == {("mdupond", "ce.x")}
    inside.get(PAGE)
    assert accountd.asked[-1].box == ""


@BOTH
def test_an_address_of_the_box_is_named_as_such(inside: Any, accountd: Any, language: int) -> None:
    accountd.answer = HELD
    path = ADDRESSES["charge_filtering"][language]
    form = fields(inside.get(f"{path}?name=ce.x"), "add")
    accountd.refuse(ErrorCode.REFUSED_VALUE, SetSenders, message=Unfit.OWN.value)
    page = inside.post(path, form | {"value": "ce.x@ac-exemple.test", "list": "allow"})
    assert inside.last.status_code == 422
    assert ("address of this mailbox" if language else "adresse de cette boîte") in page.named("value-error")


def test_a_box_of_somebody_else_or_none_leads_back_to_one_s_own(inside: Any, accountd: Any) -> None:
    accountd.answer = HELD
    form = fields(inside.get(f"{OF_BOX}?name=ce.x"), "level")
    assert inside.raw(OF_BOX).headers["Location"] == "/compte/boites-et-listes"
    accountd.refuse(ErrorCode.NOT_FOUND)
    answer = inside.raw(f"{OF_BOX}?name=ce.y")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/compte/boites-et-listes")
    accountd.answer = DONE
    inside.post(OF_BOX, form | {"name": ""})
    assert inside.last.request.path == "/compte/boites-et-listes" and accountd.requests(SetSenders) == []


def test_the_page_of_a_box_leads_to_its_filtering_and_that_of_a_list_does_not(inside: Any, accountd: Any) -> None:
    for kind, there in (("box", True), ("list", False)):
        accountd.answer = replace(DONE, charges=(Charge(kind, "ce.x", "Collège X", "ce.x@ac-exemple.test"),))
        page = inside.get(f"/compte/boites-et-listes/gerer?kind={kind}&name=ce.x")
        assert (f"{OF_BOX}?name=ce.x" in page.links) is there


@BOTH
def test_account_and_diagnosis_say_what_is_chosen(inside: Any, accountd: Any, language: int) -> None:
    accountd.answer = replace(DONE, account=replace(ACCOUNT, level="strict", allowed=1, blocked=3))
    assert "strict" in inside.get(("/compte", "/en/account")[language]).main
    text = inside.get(("/diagnostic", "/en/diagnosis")[language]).main
    assert ("Blocked senders: 3." if language else "Expéditeurs bloqués : 3.") in text
    accountd.answer = DONE
    text = inside.get(("/diagnostic", "/en/diagnosis")[language]).main
    assert "strict" not in text
