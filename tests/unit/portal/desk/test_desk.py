"""The help desk's pages: what is asked of accountd, what is shown, and that a refusal is a sentence."""

from copy import replace
from typing import Any

import pytest
from malleposte.accountd.calls.desk.acts import DeskBlock, DeskCode, DeskRemoveFactor
from malleposte.accountd.calls.desk.boxes import DeskBoxes, DeskSetDelegate
from malleposte.accountd.calls.desk.looks import DeskFind, DeskList, Person, Sheet
from malleposte.accountd.calls.desk.sealed import DeskSealed, DeskUnseal
from malleposte.accountd.calls.factors import Factor
from malleposte.accountd.calls.mailbox.quarantine import HeldMessage, HeldMessages
from malleposte.accountd.calls.shared.charges import Charge
from malleposte.accountd.message import ErrorCode, Forbidden
from malleposte.accountd.own import COMPUTED, Account, Diagnosis, LogIn, RefusedMail
from malleposte_portal import desk
from malleposte_portal.core.forbidden import SENTENCES
from malleposte_portal.core.languages import catalogues
from malleposte_portal.log_in import shown_once
from malleposte_portal.log_in.sessions import StoreError

from tests.support.accountd import Told
from tests.support.portal import ADDRESSES, BOTH, FRENCH_FIRST, addresses

CODE = "3467C-DFGHJ"
SHEET = Sheet(
    "Professeure", ("0210001M",), "20261126080000Z", "20261125080000Z", "20261124080000Z",
    ("mail 20261201080000Z", "desk 20261202080000Z"), ("mail", "aloud"),
    (Factor("abc", "totp", "Téléphone", "2026-11-01T08:00:00+00:00"), Factor("d/+f=", "webauthn", "")), True,
)  # fmt: skip
ACCOUNT = Account(
    "Jean Martin", "jean@ac-exemple.test", "roundcube", "active", recovery_mail="je…@exemple.test", looked=True,
    desk=True,
)  # fmt: skip
PEOPLE = (
    Person("jmartin", "Jean Martin", "jean@ac-exemple.test", "active", ("0210001M",), "20261126080000Z"),
    Person("zoé&co", "", "zoe@ac-exemple.test", "suspended"),
)
BOX = Charge("box", "ce.0210001m", "Collège des Prés", "ce.0210001m@ac-exemple.test", ("jmartin", "partie"))
DONE = Told("jmartin", "active", account=ACCOUNT, sheet=SHEET, people=PEOPLE, reach=("21", "0210001M"), more=True,
                 charges=(BOX,))  # fmt: skip
PAGES = [name for name in addresses(*desk.SUBJECTS) if name != "desk_aloud"]
"""The pages that show something of their own at any time."""
GIVEN = {"desk_code": "ways=mail,aloud", "desk_factor": "factor=abc"}
GIVEN |= dict.fromkeys(("desk_box", "desk_delegate", "desk_undelegate"), "box=ce.0210001m")


@pytest.fixture
def inside(visit: Any, log_in: Any, accountd: Any) -> Any:
    """A visitor who is logged in."""
    accountd.answer = DONE
    log_in(visit)
    accountd.asked.clear()
    return visit


def at(name: str, language: int = 0) -> str:
    return f"{ADDRESSES[name][language]}?agent=jmartin&{GIVEN.get(name, '')}"


@BOTH
@pytest.mark.parametrize("name", PAGES)
def test_each_page_asks_accountd_with_the_token(
    inside: Any, another: Any, accountd: Any, name: str, language: int
) -> None:
    assert another().raw(at(name, language)).status_code == 303
    assert accountd.asked == []
    inside.get(at(name, language))
    assert inside.last.status_code == 200
    (request,) = accountd.asked
    assert (request.uid, request.token.count(".")) == ("mdupond", 2)


@FRENCH_FIRST
@pytest.mark.parametrize("word", Forbidden)
@pytest.mark.parametrize("name", PAGES)
def test_a_refusal_is_a_sentence_and_ends_no_log_in(
    inside: Any, accountd: Any, name: str, word: Forbidden, language: int
) -> None:
    accountd.refuse(ErrorCode.FORBIDDEN, message=word.value)
    page = inside.get(at(name, language))
    assert inside.last.status_code == 403
    english = catalogues(strict=True)["en"].gettext(SENTENCES[word])
    assert " ".join((english if language else SENTENCES[word]).split()) in page.main
    accountd.answer = DONE
    inside.get(at(name, language))
    assert inside.last.status_code == 200


def test_every_word_has_its_own_sentence() -> None:
    assert set(SENTENCES) == set(Forbidden)
    assert len(set(SENTENCES.values())) == len(Forbidden)


@FRENCH_FIRST
def test_agents_are_found_and_lead_to_their_sheets(inside: Any, accountd: Any, language: int) -> None:
    page = inside.send(ADDRESSES["desk"][language], text="  martin   jean ")
    assert accountd.only(DeskFind).text == "martin jean"
    links = page.links
    assert f"{ADDRESSES['desk_agent'][language]}?agent=jmartin" in links
    assert f"{ADDRESSES['desk_agent'][language]}?agent=zo%C3%A9%26co" in links
    assert "0210001M" in page.main


def test_a_browser_comes_back_to_what_was_found_without_sending_the_form_again(inside: Any, accountd: Any) -> None:
    form = inside.get("/assistance").forms()[-1]["fields"]
    answer = inside.http.post("/assistance", data={**form, "text": "martin"}, base_url="https://pia.test")
    assert answer.status_code == 303
    assert "martin" not in answer.headers["Location"]
    for _visit in range(2):
        accountd.asked.clear()
        assert "Jean Martin" in inside.get(answer.headers["Location"]).main
        assert accountd.only(DeskFind).text == "martin"
    assert inside.get("/assistance").named("found") == ""


def test_each_tab_comes_back_to_its_own_search(inside: Any, accountd: Any) -> None:
    form = inside.get("/assistance").forms()[-1]["fields"]

    def searched(text: str) -> str:
        answer = inside.http.post("/assistance", data={**form, "text": text}, base_url="https://pia.test")
        return str(answer.headers["Location"])

    first, second = searched("martin"), searched("dupond")
    for address, text in ((first, "martin"), (second, "dupond"), (first, "martin")):
        accountd.asked.clear()
        assert "Jean Martin" in inside.get(address).main
        assert accountd.only(DeskFind).text == text
    for number in range(3):
        searched(f"autre{number}")
    accountd.asked.clear()
    assert inside.get(first).named("found") == "" and not accountd.requests(DeskFind), "one of long ago is asked anew"


def test_a_sheet_is_still_there_after_a_log_in_and_in_the_other_language(inside: Any, another: Any) -> None:
    sent = another().raw("/assistance/agent?agent=jmartin").headers["Location"]
    assert sent == "/connexion?vers=/assistance/agent?agent%3Djmartin"
    links = inside.get("/assistance/agent?agent=jmartin").links
    assert "/en/help-desk/agent?agent=jmartin" in links
    assert inside.raw("/assistance/listes?language=x&_external=1&endpoint=y").status_code == 200


def test_a_search_of_one_letter_asks_nothing(inside: Any, accountd: Any) -> None:
    page = inside.send("/assistance", text="d")
    assert (inside.last.status_code, bool(page.named("text-error"))) == (422, True)
    assert not accountd.requests(DeskFind)


def test_a_search_that_accountd_does_not_take_is_said(inside: Any, accountd: Any) -> None:
    form = inside.get("/assistance").forms()[-1]["fields"]
    accountd.refuse(ErrorCode.REFUSED_VALUE, message="too short")
    page = inside.post("/assistance", {**form, "text": "xx"})
    assert "pas été comprise" in page.named("errors")
    accountd.answer = DONE
    assert inside.send("/assistance", text="xx").named("found")


@FRENCH_FIRST
def test_a_list_of_a_school(inside: Any, accountd: Any, language: int) -> None:
    page = inside.send(ADDRESSES["desk_list"][language], school="0210001m", state="idle")
    request = accountd.only(DeskList)
    assert (request.school, request.state) == ("0210001M", "idle")
    assert "Jean Martin" in page.main
    accountd.answer = Told("mdupond")
    assert inside.send(ADDRESSES["desk_list"][language], school="0210001M").all("main")


@FRENCH_FIRST
def test_the_boxes_of_a_school_lead_to_who_opens_them(inside: Any, accountd: Any, language: int) -> None:
    page = inside.send(ADDRESSES["desk_boxes"][language], school="0210001m")
    assert accountd.only(DeskBoxes).school == "0210001M"
    box = f"{ADDRESSES['desk_box'][language]}?box=ce.0210001m"
    assert box in page.links
    page = inside.get(box)
    text, links = page.main, page.links
    assert "Jean Martin" in text and "partie" in text and BOX.mail in text
    assert f"{ADDRESSES['desk_undelegate'][language]}?box=ce.0210001m&agent=partie" in links
    assert f"{ADDRESSES['desk_delegate'][language]}?box=ce.0210001m" in links
    accountd.answer = Told("mdupond")
    assert inside.send(ADDRESSES["desk_boxes"][language], school="0210001M").all("main")


@FRENCH_FIRST
@pytest.mark.parametrize(("name", "add"), [("desk_delegate", True), ("desk_undelegate", False)])
def test_a_delegate_comes_and_goes(inside: Any, accountd: Any, name: str, add: bool, language: int) -> None:
    address, box = ADDRESSES[name][language], f"{ADDRESSES['desk_box'][language]}?box=ce.0210001m"
    fields = inside.get(f"{address}?box=ce.0210001m&agent=jmartin").forms()[-1]["fields"]
    accountd.asked.clear()
    page = inside.post(address, {**fields, "agent": "jmartin", "reason": " "})
    assert (inside.last.status_code, bool(page.named("reason-error")), accountd.asked) == (422, True, [])
    accountd.refuse(ErrorCode.FORBIDDEN, message=Forbidden.REACH.value)
    page = inside.post(address, {**fields, "agent": "jmartin", "reason": "demande 4711"})
    assert inside.last.status_code == 403 and page.named("errors")
    accountd.answer = DONE
    accountd.asked.clear()
    page = inside.post(address, {**fields, "agent": "jmartin", "reason": "demande 4711"})
    request = accountd.only(DeskSetDelegate)
    assert (request.box, request.target, request.reason, request.add) == ("ce.0210001m", "jmartin", "demande 4711", add)
    assert inside.last.request.full_path == box
    assert "fr-alert--success" in inside.last.text
    inside.get(box)
    assert "fr-alert--success" not in inside.last.text


def test_pages_without_a_box_lead_to_those_of_a_school(inside: Any) -> None:
    for name in ("desk_box", "desk_delegate", "desk_undelegate"):
        assert inside.raw(ADDRESSES[name][0]).headers["Location"] == "/assistance/boites"


def test_a_sheet_has_diagnosis_factors_and_acts(inside: Any) -> None:
    page = inside.get(at("desk_agent"))
    text = page.main
    for told in ("Verrouillé", "je…@exemple.test", "Professeure", "Téléphone", "0210001M", "donné par l’assistance"):
        assert told in text, told
    links = page.links
    assert "/assistance/code?agent=jmartin&ways=mail,aloud" in [one.replace("%2C", ",") for one in links]
    assert "/assistance/facteur?agent=jmartin&factor=d/%2Bf%3D" in [one.replace("%2F", "/") for one in links]
    assert "/assistance/bloquer?agent=jmartin" in links


def test_a_sheet_shows_log_ins_and_refused_mail(inside: Any, accountd: Any) -> None:
    time = "2026-11-20T08:00:00+00:00"
    logins = (
        LogIn(time, True, "imap", "192.0.2.7", "Thunderbird"),
        LogIn(time, False, "imap", "192.0.2.9", "K-9", reason="password", count=12, old=True),
    )
    refused = (RefusedMail(time, "in", "am…@lointain.test", "virus", 2),)
    told = Diagnosis(logins, refused, 2500, 2500, looked=True)
    accountd.answer = replace(DONE, account=replace(ACCOUNT, discards=True), diagnosis=told)
    text = inside.get(at("desk_agent")).main
    for one in (
        *("Thunderbird", "192.0.2.9", "mot de passe inexact", "12 fois", "l’ancien mot de passe"),
        *("am…@lointain.test", "Il contenait un virus", "2500 Mo, sur 2500 Mo", "La boîte est pleine"),
        "supprime ou refuse",
    ):
        assert one in text, one
    assert "n’ont pas pu être lus" not in text
    accountd.answer = DONE
    text = inside.get(at("desk_agent")).main
    assert "n’ont pas pu être lus" in text and "La boîte est pleine" not in text


@pytest.mark.parametrize("state", ["pending", "active", "blocked", "expired", "suspended"])
@FRENCH_FIRST
def test_a_sheet_of_each_state(inside: Any, accountd: Any, state: str, language: int) -> None:
    account = Account("Jean", state=state, blocked_until="20991201080000Z", absence=True,
                           forwards=("a…@b.test", COMPUTED))  # fmt: skip
    accountd.answer = Told("jmartin", state, account=account, sheet=Sheet())
    page = inside.get(at("desk_agent", language))
    told = ("a…@b.test, une adresse que le filtre calcule", "a…@b.test, an address that the filter computes")
    assert told[language] in page.main
    links = page.links
    assert any(ADDRESSES["desk_block"][language] in str(one) for one in links) is (state != "suspended")
    assert not any(ADDRESSES["desk_code"][language] in str(one) for one in links)


def given_aloud(inside: Any, accountd: Any, language: int = 0) -> Any:
    """Have a code given that is read aloud; the bare answer to the form."""
    fields = inside.get(at("desk_code", language)).forms()[-1]["fields"]
    accountd.answer = Told("jmartin", "active", "20261201080000Z", secret=CODE)
    sent = {**fields, "way": "aloud", "reason": "demande 4711", "called_back": "y"}
    return inside.http.post(ADDRESSES["desk_code"][language], data=sent, base_url="https://pia.test")


@FRENCH_FIRST
def test_a_code_read_aloud_is_made_once_and_shown_once(
    inside: Any, another: Any, accountd: Any, valkey: Any, language: int
) -> None:
    answer = given_aloud(inside, accountd, language)
    shown = f"{ADDRESSES['desk_aloud'][language]}?agent=jmartin"
    assert (answer.status_code, answer.headers["Location"]) == (303, shown)
    assert "portal:once:" in str(valkey.held) and CODE not in str(valkey.held)
    assert CODE not in str(answer.headers) and CODE not in answer.text
    assert another().raw(shown).headers["Location"].startswith(("/connexion", "/en/login"))
    page = inside.get(shown)
    assert page.named("secret") == CODE and "jmartin" in page.main
    assert "portal:once:" not in str(valkey.held)
    again = inside.raw(shown)
    assert (again.status_code, again.headers["Location"]) == (303, at("desk_agent", language).rstrip("&"))
    accountd.answer = DONE
    told = inside.get(again.headers["Location"]).main
    assert ("shown only once" if language else "n’est affiché qu’une fois") in told and CODE not in inside.last.text
    request = accountd.only(DeskCode)
    asked = (request.target, request.way, request.reason, request.called_back)
    assert asked == ("jmartin", "aloud", "demande 4711", True)


def test_a_code_that_cannot_be_shown_is_in_no_page_and_the_page_says_why(
    inside: Any, accountd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown_once, "keep", lambda *_words: (_ for _ in ()).throw(StoreError("away")))
    answer = given_aloud(inside, accountd)
    assert answer.status_code == 503 and CODE not in answer.text


def test_a_code_that_nobody_came_for_is_gone_after_ten_minutes(inside: Any, accountd: Any, clock: Any) -> None:
    shown = given_aloud(inside, accountd).headers["Location"]
    clock.now += 601
    assert inside.raw(shown).status_code == 303


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("desk_code", DeskCode, "adresse de secours"),
        ("desk_block", DeskBlock, "est bloqué"),
        ("desk_factor", DeskRemoveFactor, "est supprimé"),
        ("desk_sealed", DeskUnseal, "dans la boîte de réception"),
    ],
)
def test_an_act_is_done_and_said_on_the_sheet_once(
    inside: Any, accountd: Any, name: str, kind: type, said: str
) -> None:
    fields = inside.get(at(name)).forms()[-1]["fields"]
    page = inside.post(ADDRESSES[name][0], {**fields, "way": "mail", "message": "12", "reason": "demande 4711"})
    assert inside.last.request.path == "/assistance/agent"
    assert said in page.main
    assert (accountd.only(kind).target, accountd.only(kind).reason) == ("jmartin", "demande 4711")
    assert "fr-alert--success" not in str(inside.get(at("desk_agent")).all("div"))


@FRENCH_FIRST
@pytest.mark.parametrize("name", ["desk_code", "desk_block", "desk_factor", "desk_sealed"])
def test_an_act_without_a_reason_asks_nothing(inside: Any, accountd: Any, name: str, language: int) -> None:
    fields = inside.get(at(name, language)).forms()[-1]["fields"]
    accountd.asked.clear()
    page = inside.post(ADDRESSES[name][language], {**fields, "way": "mail", "reason": " x "})
    assert (inside.last.status_code, bool(page.named("reason-error"))) == (422, True)
    assert accountd.asked == []
    inside.post(ADDRESSES[name][language], {**fields, "way": "mail", "reason": "demande 4711"})
    assert accountd.asked


def test_a_way_that_is_not_offered_is_not_taken_from_the_browser(inside: Any, accountd: Any) -> None:
    page = inside.get("/assistance/code?agent=jmartin&ways=mail,gold,aloud")
    assert [held["value"] for held, _text in page.all("input") if held.get("name") == "way"] == ["mail", "aloud"]
    fields = {**page.forms()[-1]["fields"], "ways": "mail"}
    inside.post("/assistance/code", {**fields, "way": "aloud", "reason": "demande 4711"})
    assert accountd.only(DeskCode).way == "mail"


def test_dangerous_messages_are_listed_for_a_reason_and_nothing_of_them_is_a_link(inside: Any, accountd: Any) -> None:
    fields = inside.get(at("desk_sealed")).forms()[-1]["fields"]
    one = HeldMessage("12", "Ami <a@b.test>", "<a href=x>Facture", "2026-10-02T09:30:00", ("form",))
    accountd.answer = HeldMessages("jmartin", "active", held=(one,))
    page = inside.post(ADDRESSES["desk_sealed"][0], {**fields, "reason": "demande 4711"})
    assert (
        "<a href=x>Facture" in page.main
        and "<a href=x>" not in inside.last.text
        and "une page qui demande" in page.main
    )
    assert 'value="demande 4711"' in inside.last.text
    assert accountd.only(DeskSealed).target == "jmartin"


def test_pages_without_an_agent_lead_to_the_search(inside: Any) -> None:
    for name in ("desk_agent", "desk_code", "desk_block", "desk_factor", "desk_sealed"):
        assert inside.raw(ADDRESSES[name][0]).headers["Location"] == "/assistance"


def test_the_way_there_is_shown_to_whom_it_is_for(inside: Any, accountd: Any) -> None:
    assert "/assistance" in inside.get("/compte").links
    accountd.answer = Told("mdupond", account=Account("Marie"))
    assert "/assistance" not in inside.get("/compte").links
