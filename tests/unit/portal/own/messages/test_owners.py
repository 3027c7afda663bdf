"""« Courrier à répondre »: who has a message is shown, markup is text, each button asks what it says."""

from copy import replace
from typing import Any

from malleposte.accountd.calls.shared.owners import (
    ChangeBoxMail,
    OwnedBox,
    OwnedMail,
    OwnedNote,
    SetBoxOwners,
    ShowBoxMail,
)  # fmt: skip
from malleposte.accountd.message import ErrorCode, Refused

from tests.support.portal import ADDRESSES, BOTH
from tests.unit.portal.own.test_pages import DONE

PAGE, BOX = (ADDRESSES[name][0] for name in ("owned", "owned_box"))
WHERE = OwnedBox("ce.x", "Collège <b>X</b>", "ce.x@ac-exemple.test", opens=True)
FREE = OwnedMail("7." + "a" * 40, "Parent <p@example.org>", "<i>Absence</i>", "2099-01-05T08:00:00+01:00")
HIS = OwnedMail(
    "8." + "b" * 40, "x", "Bourse", "2099-01-05T08:00:00+01:00", "pmartin", "Paul Martin",
    "2099-01-06T08:00:00+01:00", 1,
)  # fmt: skip
NOTE = OwnedNote("n1", "pmartin", "Paul Martin", "2099-01-06T08:00:00+01:00", "<script>alert(1)</script>\nvoir")
HELD = replace(
    DONE, boxes=(WHERE,), box="ce.x", allowed=True, since="2099-01-01T08:00:00+01:00", mails=(FREE, HIS), notes=(),
    next=0, more=False,
)  # fmt: skip


def acts(page: Any) -> list[str]:
    return [one["fields"]["act"] for one in page.forms() if "act" in one["fields"]]


@BOTH
def test_what_waits_is_shown_with_its_owner(inside: Any, accountd: Any, language: int) -> None:
    accountd.answer = HELD
    assert "Collège <b>X</b>" in inside.get(ADDRESSES["owned"][language]).main
    page = inside.get(f"{ADDRESSES['owned_box'][language]}?box=ce.x&only=nobody")
    assert page.groups() == [False, False, False, True], "the menu shows the group of the page above"
    words = ("<i>Absence</i>", "Paul Martin", "Taken by" if language else "Pris en charge par")
    for word in words:
        assert word in page.main, word
    assert acts(page) == ["take", "done", "done"]
    asked = accountd.requests(ShowBoxMail)[-1]
    assert (asked.box, asked.only) == ("ce.x", "nobody")


def test_a_button_asks_for_its_act_and_says_who_came_first(inside: Any, accountd: Any) -> None:
    accountd.answer = HELD
    page = inside.get(f"{BOX}?box=ce.x")
    fields = next(one["fields"] for one in page.forms() if one["fields"].get("act") == "take")
    page = inside.post(BOX, fields)
    assert "Ce message est à vous" in page.main
    asked = accountd.only(ChangeBoxMail)
    assert (asked.box, asked.ident, asked.change) == ("ce.x", FREE.ident, "take")


def test_a_note_is_text(inside: Any, accountd: Any) -> None:
    accountd.answer = replace(HELD, mails=(HIS,), notes=(NOTE,))
    page = inside.get(f"{BOX}?box=ce.x&ident={HIS.ident}")
    assert "<script>alert(1)</script>" in page.main and "&lt;script&gt;alert(1)" in inside.last.text
    fields = next(one["fields"] for one in page.forms() if one["fields"].get("act") == "note")
    assert "note est enregistrée" in inside.post(BOX, fields | {"text": "a\r\nb"}).main
    assert accountd.only(ChangeBoxMail).text == "a\nb"


def test_a_manager_turns_it_on(inside: Any, accountd: Any) -> None:
    manager = replace(WHERE, manager=True, opens=False)
    accountd.answer = replace(HELD, boxes=(manager,), since="", mails=())
    page = inside.get(f"{BOX}?box=ce.x")
    fields = next(one["fields"] for one in page.forms() if one["fields"].get("act") == "on")
    inside.post(BOX, fields)
    assert accountd.only(SetBoxOwners).on is True
    accountd.answer = replace(HELD, boxes=(manager,), since="", mails=(), allowed=False)
    page = inside.get(f"{BOX}?box=ce.x")
    assert "n’a pas ouvert ce service" in page.main and acts(page) == []


def test_a_box_of_others_leads_back(inside: Any, accountd: Any) -> None:
    accountd.answer = Refused(ErrorCode.NOT_FOUND, "no box of the agent's")
    answer = inside.http.get(f"{BOX}?box=ce.y", base_url="https://pia.test")
    assert (answer.status_code, answer.location) == (303, PAGE)
