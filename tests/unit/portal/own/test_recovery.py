"""« Mes moyens de secours »: shown masked, changed by the password; a new address waits for its code."""

from copy import replace
from typing import Any

import pytest
from malleposte.accountd.calls.recovery import ConfirmRecovery, SetRecovery
from malleposte.accountd.message import ErrorCode

from tests.support.accountd import Told
from tests.support.portal import ADDRESSES, BOTH
from tests.unit.portal.own.test_pages import ACCOUNT, DONE

TICKET = "20261201120000Z k1:digest marie@lointain.test"
ASKED = Told("mdupond", ticket=TICKET)
WAITS = replace(DONE, until="20261204120000Z")
PASSWORD = "Vieux-Chemin7!x"
KINDS = pytest.mark.parametrize(
    ("kind", "value"), [("mail", "marie@lointain.test"), ("phone", "06 12 34 56 78"), ("phone", ""), ("mail", "")]
)


def path(name: str, language: int = 0) -> str:
    return ADDRESSES[name][language]


def wait_for_code(visitor: Any, accountd: Any, language: int = 0) -> Any:
    """Ask for another address; the page of its code."""
    accountd.answer = ASKED
    page = visitor.send(path("recovery_mail", language), value="marie@lointain.test", password=PASSWORD)
    assert visitor.last.request.path == path("recovery_confirm", language)
    return page


@BOTH
def test_means_are_shown_masked_with_those_that_wait(inside: Any, accountd: Any, language: int) -> None:
    account = replace(ACCOUNT, recovery_phone="…78", recovery_next="20991001080000Z")
    accountd.answer = replace(DONE, account=account)
    text = inside.get(path("recovery", language)).main
    assert all(told in text for told in ("ma…@exemple.test", "…78", "2099"))
    links = set(inside.get(path("recovery", language)).links)
    assert {path("recovery_mail", language), path("recovery_phone", language)} <= links


@KINDS
def test_a_change_asks_for_the_password_and_says_when_it_counts(
    inside: Any, accountd: Any, kind: str, value: str
) -> None:
    accountd.answer = replace(WAITS, account=replace(ACCOUNT, recovery_next="20261204120000Z"))
    text = inside.send(path(f"recovery_{kind}"), value=value, password=PASSWORD).main
    sent = accountd.only(SetRecovery)
    assert (sent.login, sent.password, sent.kind, sent.value) == ("mdupond", PASSWORD, kind, value)
    assert sent.token.count(".") == 2
    assert "Votre demande est notée" in text and "4 décembre 2026" in text
    assert "notée" not in inside.get(path("recovery")).main


def test_means_that_are_in_use_already_change_nothing(inside: Any, accountd: Any) -> None:
    accountd.answer = replace(DONE, until="")
    assert "Rien ne change" in inside.send(path("recovery_phone"), password=PASSWORD).main


@BOTH
def test_a_new_address_waits_for_its_code(inside: Any, accountd: Any, language: int) -> None:
    page = wait_for_code(inside, accountd, language)
    assert "marie@lointain.test" in page.main
    accountd.answer = WAITS
    inside.send(path("recovery_confirm", language), value="ABCDE-23456")
    sent = accountd.only(ConfirmRecovery)
    assert (sent.uid, sent.ticket, sent.code) == ("mdupond", TICKET, "ABCDE-23456")
    assert inside.last.request.path == path("recovery", language)
    assert inside.raw(path("recovery_confirm", language)).headers["Location"] == path("recovery_mail", language)


def test_a_wrong_code_may_be_typed_again(inside: Any, accountd: Any) -> None:
    wait_for_code(inside, accountd)
    accountd.refuse(ErrorCode.REFUSED_VALUE, message="for the log alone")
    page = inside.send(path("recovery_confirm"), value="ABCDE-23456")
    assert (inside.last.status_code, page.named("value-error") != "") == (422, True)
    assert "for the log alone" not in inside.last.text
    accountd.answer = WAITS
    inside.send(path("recovery_confirm"), value="CDEFG-34679")
    assert inside.last.request.path == path("recovery")


def test_the_ticket_is_that_of_one_log_in_and_of_no_cookie(
    inside: Any, accountd: Any, another: Any, log_in: Any, clock: Any
) -> None:
    wait_for_code(inside, accountd)
    cookies = [inside.http.get_cookie(name, "pia.test").value for name in ("__Host-portal", "__Host-agent")]
    assert "lointain" not in "".join(cookies)
    second = another()
    log_in(second)
    assert second.raw(path("recovery_confirm")).status_code == 303
    clock.now += 901
    assert inside.raw(path("recovery_confirm")).status_code == 303


@pytest.mark.parametrize("kind", ["mail", "phone"])
def test_what_accountd_does_not_take_stands_at_the_field(inside: Any, accountd: Any, kind: str) -> None:
    accountd.refuse(ErrorCode.REFUSED_VALUE, message="x@ac-exemple.test is of the academy")
    page = inside.send(path(f"recovery_{kind}"), value="x@ac-exemple.test", password=PASSWORD)
    assert inside.last.status_code == 422
    assert page.named("value-error") and "is of the academy" not in inside.last.text
    accountd.refuse(ErrorCode.NOT_PROVED)
    page = inside.send(path(f"recovery_{kind}"), value="x@lointain.test", password="faux")
    assert inside.last.status_code == 403
    assert "Mot de passe inexact" in page.named("errors")
    accountd.answer = DONE
    assert inside.raw("/compte").status_code == 200, "the log-in goes on"


@pytest.mark.parametrize("kind", ["mail", "phone"])
def test_nothing_is_asked_without_the_password(inside: Any, accountd: Any, kind: str) -> None:
    page = inside.send(path(f"recovery_{kind}"), value="06 12 34 56 78")
    assert (inside.last.status_code, accountd.requests(SetRecovery)) == (422, [])
    assert page.named("password-error")
