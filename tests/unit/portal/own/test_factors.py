"""« Ma double authentification »: factors are listed, one of several is removed by the password."""

from copy import replace
from typing import Any

import pytest
from malleposte.accountd.calls import factors
from malleposte.accountd.message import ErrorCode
from malleposte.accountd.own import Account, Diagnosis, LogIn

from tests.support.portal import ADDRESSES, BOTH
from tests.unit.portal.conftest import Visitor, portal
from tests.unit.portal.own.test_pages import DONE

PHONE = factors.Factor("dG90cA==", "totp", "Téléphone", "2026-09-01T08:00:00+00:00")
KEY = factors.Factor("a2V5+x/", "webauthn", "")
TWO = replace(DONE, factors=(PHONE, KEY))
LIST, REMOVE = (ADDRESSES[name][0] for name in ("factors", "factor_remove"))


@BOTH
def test_factors_have_kind_name_and_date(inside: Any, accountd: Any, language: int) -> None:
    accountd.answer = TWO
    page = inside.get(ADDRESSES["factors"][language])
    words = ("Security key", "1 September 2026") if language else ("Clé de sécurité", "1er septembre 2026")
    assert all(told in page.main for told in ("Téléphone", *words))
    links = set(page.links)
    assert "https://sso.test/2fregisters" in links
    assert f"{ADDRESSES['factor_remove'][language]}?factor=a2V5%2Bx/" in links


@BOTH
def test_the_account_s_page_leads_to_the_factors(inside: Any, accountd: Any, language: int) -> None:
    """The directory knows no factor unless they close devices: this page alone says whether there is one."""
    accountd.answer = replace(DONE, account=Account("Marie Dupond", "marie@ac-exemple.test", state="active"))
    page = inside.get(ADDRESSES["account"][language])
    assert ADDRESSES["factors"][language] in page.links


@BOTH
def test_before_the_first_one_the_page_says_what_will_stop(inside: Any, accountd: Any, language: int) -> None:
    seen = LogIn("2026-09-01T08:00:00+00:00", True, "imap", "192.0.2.7", "K-9")
    accountd.answer = replace(DONE, closes=True, diagnosis=Diagnosis((seen,), looked=True))
    main = inside.get(ADDRESSES["factors"][language]).main
    words = (
        ("will stop working", "Seen on", "Add a device")
        if language
        else ("s’arrêteront", "Vu le", "Ajouter un appareil")
    )
    assert all(told in main for told in ("K-9", "192.0.2.7", *words))
    accountd.answer = replace(DONE, closes=True, diagnosis=Diagnosis(looked=True))
    main = inside.get(ADDRESSES["factors"][language]).main
    assert ("None used it" if language else "Aucun ne s’en est servi") in main
    accountd.answer = replace(DONE, closes=True)
    main = inside.get(ADDRESSES["factors"][language]).main
    assert words[2] in main and ("None used it" if language else "Aucun ne s’en") not in main
    accountd.answer = DONE
    assert words[2] not in inside.get(ADDRESSES["factors"][language]).main


def test_the_last_one_has_no_way_out_and_none_is_said(inside: Any, accountd: Any) -> None:
    accountd.answer = replace(DONE, factors=(PHONE,))
    assert "Le dernier moyen" in inside.get(LIST).main
    assert REMOVE not in inside.last.text
    assert inside.raw(f"{REMOVE}?factor=dG90cA%3D%3D").headers["Location"] == LIST
    accountd.answer = DONE
    assert "aucun second facteur" in inside.get(LIST).main


def test_one_is_removed_by_the_password(inside: Any, accountd: Any) -> None:
    accountd.answer = TWO
    page = inside.get(f"{REMOVE}?factor=a2V5%2Bx/")
    assert "Clé de sécurité" in page.main
    form = page.form(REMOVE)
    assert form["factor"] == KEY.ident
    page = inside.post(REMOVE, form | {"password": "Vieux-Chemin7!x"})
    assert "Le moyen est supprimé" in page.main
    sent = accountd.only(factors.RemoveFactor)
    assert (sent.uid, sent.password, sent.factor) == ("mdupond", "Vieux-Chemin7!x", KEY.ident)
    assert "Le moyen est supprimé" not in inside.get(LIST).main


def test_nothing_goes_without_the_password_or_under_another_name(inside: Any, accountd: Any) -> None:
    accountd.answer = TWO
    form = inside.get(f"{REMOVE}?factor=dG90cA==").form(REMOVE)
    page = inside.post(REMOVE, form)
    assert inside.last.status_code == 422 and page.named("password-error")
    inside.post(REMOVE, form | {"password": "x", "factor": "bm9uZQ=="})
    assert inside.last.request.path == LIST and accountd.requests(factors.RemoveFactor) == []


@pytest.mark.parametrize(("error", "status"), [("not_proved", 403), ("refused_value", 422), ("slow_down", 429)])
def test_what_accountd_refuses_is_told(inside: Any, accountd: Any, error: str, status: int) -> None:
    accountd.answer = TWO
    form = inside.get(f"{REMOVE}?factor=dG90cA==").form(REMOVE)
    accountd.refuse(ErrorCode(error), factors.RemoveFactor, message="for the log alone")
    page = inside.post(REMOVE, form | {"password": "faux"})
    assert inside.last.status_code == status
    assert page.named("errors") and "for the log alone" not in inside.last.text
    accountd.answer = TWO
    assert inside.raw("/compte").status_code == 200, "the log-in goes on"


@pytest.mark.parametrize("page", ["https://id.autre.test/facteurs", ""])
def test_a_provider_that_is_not_ours_sees_to_its_factors_itself(
    accountd: Any, provider: Any, valkey: Any, clock: Any, log_in: Any, page: str
) -> None:
    app = portal(accountd, provider, valkey, clock, factors_page=page, factors_here=False)
    visit = Visitor(app.test_client())
    accountd.answer = TWO
    log_in(visit)
    for path in (LIST, f"{REMOVE}?factor=dG90cA%3D%3D"):
        assert visit.raw(path).headers["Location"] == (page or ADDRESSES["devices"][0])
    shown = visit.get(ADDRESSES["devices"][0])
    assert (LIST in shown.links) is bool(page)
    assert "Second facteur" not in visit.get(ADDRESSES["account"][0]).main
    assert accountd.requests(factors.RemoveFactor) == accountd.requests(factors.ShowFactors) == []
