"""Log-ins at the log-in page and trusted browsers: listed with the devices, each ended by its owner."""

from copy import replace
from typing import Any

from malleposte.accountd import client
from malleposte.accountd.calls.log_ins import EndLogIn, NameBrowser, OpenLogIn, ShowLogIns
from malleposte.accountd.message import ErrorCode

from tests.support.portal import ADDRESSES, BOTH
from tests.unit.portal.conftest import Visitor, portal
from tests.unit.portal.own.test_pages import DONE

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
HERE = OpenLogIn("d1gest", "192.0.2.7", "2026-09-01T08:00:00+00:00", False, "", FIREFOX)
TRUSTED = OpenLogIn("autre", "", "2026-09-02T08:00:00+00:00", True, "2026-10-02T08:00:00+00:00", "")
DEVICES, END, NAME = ADDRESSES["devices"], ADDRESSES["log_in_end"], ADDRESSES["log_in_name"]


@BOTH
def test_each_has_its_place_its_browser_and_its_times(inside: Any, accountd: Any, language: int) -> None:
    accountd.answer = replace(DONE, log_ins=(HERE, TRUSTED))
    main = inside.get(DEVICES[language]).main
    french = ("Firefox, Linux", "192.0.2.7", "navigateur de confiance", "jusqu’au 2 octobre 2026")
    english = ("Firefox, Linux", "192.0.2.7", "trusted browser", "until 2 October 2026")
    assert all(told in main for told in (english if language else french)), main


@BOTH
def test_log_ins_by_one_kind_of_browser_from_one_place_are_one_line_that_names_it(
    inside: Any, accountd: Any, language: int
) -> None:
    many = [replace(HERE, ident=f"d{number}", since=f"2026-09-{number:02}T08:00:00+00:00") for number in range(1, 13)]
    others = (
        replace(HERE, ident="elsewhere", place="192.0.2.8"),
        replace(HERE, ident="program", browser="curl/8.14.1"),
    )
    accountd.answer = replace(DONE, log_ins=(*many, *others))
    page = inside.get(DEVICES[language])
    headings = [text for _held, text in page.all("h3")]
    assert headings.count("Firefox, Linux") == 2 and headings.count("curl") == 1, "each is named"
    assert ("12 connexions, depuis 192.0.2.7.", "12 log-ins, from 192.0.2.7.")[language] in page.main
    ended = {form["fields"].get("log_in") for form in page.forms() if form["action"] == END[language]}
    assert ended == {one.ident for one in (*many, *others)}, "each can still be ended by itself"


def test_one_is_ended_and_one_that_is_gone_is_said(inside: Any, accountd: Any) -> None:
    accountd.answer = replace(DONE, log_ins=(HERE, TRUSTED))
    answer = inside.press(DEVICES[0], END[0], log_in="autre")
    assert (answer.status_code, answer.headers["Location"]) == (303, DEVICES[0])
    ended = accountd.only(EndLogIn)
    assert (ended.uid, ended.log_in) == ("mdupond", "autre")
    main = inside.get(DEVICES[0]).main
    assert "La connexion est fermée" in main and "La messagerie qu’elle avait ouverte est fermée" in main
    accountd.answer = replace(accountd.answer, open=("sogo",))
    inside.press(DEVICES[0], END[0], log_in="autre")
    assert "se ferment en quelques minutes" in inside.get(DEVICES[0]).main, "one was not told"
    accountd.refuse(ErrorCode.REFUSED_VALUE, EndLogIn, message="for the log alone")
    answer = inside.press(DEVICES[0], END[0], log_in="autre")
    assert answer.status_code == 422 and "déjà fermée" in answer.text and "for the log" not in answer.text


@BOTH
def test_a_browser_is_named_where_it_can_be_known_again(inside: Any, accountd: Any, language: int) -> None:
    named = replace(HERE, name="Salle <12> d’Amélie", takes_name=True)
    accountd.answer = replace(DONE, log_ins=(named, TRUSTED))
    page = inside.get(DEVICES[language])
    main = page.all("main")[0][1]
    assert "Salle <12> d’Amélie" in main and "Firefox, Linux." in main, "it is text, and no markup"
    (form,) = [one for one in page.forms() if one["action"] == NAME[language]]
    (field,) = [held for held, _text in page.all("input") if held.get("name") == "name"]
    assert (field["value"], field["maxlength"]) == ("Salle <12> d’Amélie", "40")
    inside.post(NAME[language], form["fields"] | {"name": "Téléphone d’Amélie"})
    (request,) = [one for one in accountd.asked if isinstance(one, NameBrowser)]
    assert (request.uid, request.log_in, request.name) == ("mdupond", "d1gest", "Téléphone d’Amélie")
    told = "Le nom du navigateur est changé", "The name of the browser is changed"
    assert told[language] in inside.last.text


def test_a_name_that_is_refused_is_said(inside: Any, accountd: Any) -> None:
    accountd.answer = replace(DONE, log_ins=(replace(HERE, takes_name=True),))
    accountd.refuse(ErrorCode.REFUSED_VALUE, NameBrowser, message="for the log alone")
    (form,) = [one for one in inside.get(DEVICES[0]).forms() if one["action"] == NAME[0]]
    inside.post(NAME[0], form["fields"] | {"name": "x" * 41})
    assert inside.last.status_code == 422
    assert "40 caractères au plus" in inside.last.text and "for the log" not in inside.last.text


def test_devices_are_shown_where_the_log_in_page_gives_no_answer(inside: Any, accountd: Any) -> None:
    accountd.failures[ShowLogIns] = client.UnavailableError("pia1 gives no answer")
    main = inside.get(DEVICES[0]).main
    assert "Téléphone" in main and "La page de connexion ne répond pas" in main


def test_a_provider_that_is_not_ours_is_not_asked(
    accountd: Any, provider: Any, valkey: Any, clock: Any, log_in: Any
) -> None:
    visit = Visitor(portal(accountd, provider, valkey, clock, factors_page="", factors_here=False).test_client())
    accountd.answer = replace(DONE, log_ins=(HERE,))
    log_in(visit)
    assert END[0] not in {form["action"] for form in visit.get(DEVICES[0]).forms()}
    assert not any(isinstance(one, ShowLogIns) for one in accountd.asked)
