"""Every page in both languages; first log-in, change, reset, a code: what accountd is asked, what the agent is told."""

from copy import replace
from typing import Any

import pytest
from malleposte.accountd import client
from malleposte.accountd.calls import passwords
from malleposte.accountd.message import ErrorCode, Violation
from malleposte_portal import desk, dsi, own, state
from malleposte_portal.guide import of_desk
from malleposte_portal.log_in import sign_on
from malleposte_portal.office import pages as office

from tests.support.accountd import Told
from tests.support.portal import ADDRESSES, BOTH, addresses
from tests.unit.portal.conftest import TILES

PASSWORD = "Tulipe-Verte-4-Lampe"
NEW = {"new": PASSWORD, "again": PASSWORD}
PROOF = {"numen": "21A0100001ABC", "code": "ABCD2345"}
FORMS: dict[str, dict[str, str]] = {
    "change": {"login": "mdupond", "old": "Ancien-Mot-9", **NEW},
    "reset": {**PROOF, **NEW},
    "code": {"login": "mdupond"},
    "remind": {"numen": PROOF["numen"]},
}
ASKED = {
    "change": passwords.Change("192.0.2.7", "mdupond", "Ancien-Mot-9", PASSWORD),
    "reset": passwords.Reset("192.0.2.7", "", PROOF["numen"], PROOF["code"], PASSWORD),
    "code": passwords.IssueCode("192.0.2.7", "mdupond"),
    "remind": passwords.RemindLogin("192.0.2.7", PROOF["numen"]),
}
EACH = pytest.mark.parametrize("name", FORMS)


@BOTH
@pytest.mark.parametrize(
    "name",
    [
        name
        for name in ADDRESSES
        if name not in ("done", "step", "human", "strength_data", "hacked_check", "hacked_end")
        and (
            name == "diagnosis"
            or name
            not in addresses(
                *own.SUBJECTS,
                *desk.SUBJECTS,
                *dsi.SUBJECTS,
                office.SUBJECT,
                of_desk.SUBJECT,
                state.SUBJECT,
                sign_on.SUBJECT,
            )
        )
    ],
)
def test_a_page_leads_to_its_other_language_and_to_help(visit: Any, name: str, language: int) -> None:
    page = visit.get(ADDRESSES[name][language])
    assert visit.last.status_code == 200
    (other,) = [held["href"] for held, _text in page.all("a") if "hreflang" in held]
    assert other == ADDRESSES[name][1 - language]
    links = set(page.links)
    assert {"tel:0300000000", "mailto:assistance@ac-exemple.test"} <= links
    assert ("from 8" if language else "de 8 h") in page.main


@BOTH
@EACH
def test_a_form_that_is_filled_in_is_carried_out(visit: Any, accountd: Any, name: str, language: int) -> None:
    page = visit.send(ADDRESSES[name][language], **FORMS[name])
    (asked,) = accountd.asked
    bare = {"question": ""} if hasattr(asked, "question") else {"browser": ""}
    assert replace(asked, **bare) == ASKED[name]
    assert ("question" in bare) is (name != "change"), "without a log-in, the browser's work or a question comes first"
    assert visit.last.request.path == ADDRESSES["done"][language]
    assert page.named("errors") == ""
    assert ("mdupond" in page.main) is (name not in ("code", "remind"))


@BOTH
def test_an_expired_password_is_told_why_it_changes_and_led_on_to_the_mail(
    visit: Any, accountd: Any, app: Any, language: int
) -> None:
    why = ("Votre mot de passe a expiré", "Your password has expired")[language]
    path = ADDRESSES["change"][language]
    assert why not in visit.get(path).main
    expired = f"{path}?motif=expire"
    tiles = [{**TILES[0], "service": one, "url": f"https://{one}.test/"} for one in ("sogo", "roundcube")]
    app.extensions["portal"] = replace(app.extensions["portal"], tiles=tiles)
    accountd.refuse(ErrorCode.NOT_PROVED)
    page = visit.send(expired, **FORMS["change"])
    assert visit.last.status_code == 403
    assert why in page.main and page.named("errors")
    assert {one["action"] for one in page.forms()} == {expired}, "a second try keeps the notice"
    accountd.answer = Told("mdupond", "active")
    page = visit.send(expired, **FORMS["change"])
    assert visit.last.request.path == ADDRESSES["done"][language]
    assert "https://roundcube.test/" in page.links


@BOTH
@EACH
def test_every_field_that_is_missing_is_named(visit: Any, accountd: Any, name: str, language: int) -> None:
    page = visit.send(ADDRESSES[name][language])
    assert (visit.last.status_code, accountd.asked) == (422, [])
    assert page.all("title")[0][1].startswith("Error:" if language else "Erreur")
    for field in FORMS[name]:
        assert page.named(f"{field}-error"), field
    leads = {held["href"] for held, _text in page.all("a") if str(held["href"]).startswith("#")}
    assert {f"#{field}" for field in FORMS[name]} <= leads


@BOTH
@EACH
@pytest.mark.parametrize(
    ("error", "status"),
    [("not_proved", 403), ("slow_down", 429), ("unavailable", 503), ("unauthorised", 503)],
)
def test_what_accountd_refuses_is_told_in_one_sentence(
    visit: Any, accountd: Any, name: str, language: int, error: str, status: int
) -> None:
    accountd.refuse(ErrorCode(error), wait=200, message="for the log alone")
    page = visit.send(ADDRESSES[name][language], **FORMS[name])
    assert visit.last.status_code == status
    assert page.named("errors")
    assert "for the log alone" not in visit.last.text
    assert PASSWORD not in visit.last.text


def test_known_and_unknown_look_the_same(another: Any, accountd: Any) -> None:
    """One text for every proof that fails, and for every request of a code."""
    seen = {}
    for login in ("mdupond", "nul-ne-porte"):
        visitor = another()
        accountd.refuse(ErrorCode.NOT_PROVED)
        numen = "21A0100001ABC" if login == "mdupond" else "99Z9999999ZZZ"
        told = [visitor.send("/motdepasse/oublie", **{**FORMS["reset"], "numen": numen}).named("errors")]
        accountd.answer = Told()
        for path, values in (("/motdepasse/code", {"login": login}), ("/oublie/identifiant", {"numen": numen})):
            visitor.send(path, **values)
            told += [visitor.last.text, str(sorted(visitor.last.headers.keys())), str(visitor.last.status_code)]
        seen[login] = tuple(told)
    assert len(set(seen.values())) == 1


@pytest.mark.parametrize(("seconds", "said"), [(1, "1 seconde."), (45, "45 secondes"), (90, "90 s"), (91, "2 minutes")])
def test_how_long_to_wait(visit: Any, accountd: Any, seconds: int, said: str) -> None:
    accountd.refuse(ErrorCode.SLOW_DOWN, wait=seconds)
    assert said in visit.send("/motdepasse/code", login="mdupond").named("errors")


def test_an_accountd_that_is_away_is_told(visit: Any, accountd: Any) -> None:
    accountd.answer = client.UnavailableError("no answer")
    visit.send("/motdepasse/oublie", **FORMS["reset"])
    assert visit.last.status_code == 503
    accountd.answer = Told("mdupond")
    visit.send("/motdepasse/oublie", **FORMS["reset"])
    assert visit.last.status_code == 200


@BOTH
def test_a_weak_password_is_refused_before_a_code_is_spent(visit: Any, accountd: Any, language: int) -> None:
    page = visit.send(ADDRESSES["reset"][language], **{**FORMS["reset"], "new": "dupond1", "again": "dupond1"})
    assert (visit.last.status_code, accountd.asked) == (422, [])
    said = page.named("new-error")
    for word in ("12", "capital") if language else ("12", "majuscule"):
        assert word in said
    kept = {held["name"]: held.get("value") for held, _text in page.all("input")}
    assert (kept["numen"], kept["code"]) == (PROOF["numen"], PROOF["code"])


def test_what_the_directory_alone_knows_stands_at_the_field(visit: Any, accountd: Any) -> None:
    accountd.refuse(ErrorCode.REFUSED_PASSWORD, violations=(Violation("in_history"),))
    page = visit.send("/motdepasse/changer", **FORMS["change"])
    assert visit.last.status_code == 422
    assert page.named("new-error")


def test_two_different_passwords_are_refused(visit: Any, accountd: Any) -> None:
    page = visit.send("/motdepasse/oublie", **{**FORMS["reset"], "again": PASSWORD + "x"})
    assert accountd.asked == []
    assert page.named("again-error") and not page.named("new-error")


@EACH
def test_a_form_of_another_site_does_nothing(visit: Any, accountd: Any, name: str) -> None:
    visit.get(ADDRESSES[name][0])
    for token in ({}, {"csrf_token": "forged"}):
        visit.post(ADDRESSES[name][0], {**FORMS[name], **token})
        assert (visit.last.status_code, accountd.asked) == (400, [])


def test_the_cookie_is_bound_to_the_site(visit: Any) -> None:
    visit.get("/activer")
    given = visit.last.headers.getlist("Set-Cookie")
    assert {one.partition("=")[0] for one in given} == {"__Host-portal", "__Host-browser"}
    for cookie in given:
        for part in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
            assert part in cookie
        assert "Domain" not in cookie


def test_what_was_typed_is_shown_as_text(visit: Any) -> None:
    page = visit.send("/motdepasse/code", login="<script>alert(1)</script>" + "x" * 300)
    assert visit.last.status_code == 422
    assert "<script>" not in visit.last.text
    (login,) = [held["value"] for held, _text in page.all("input") if held.get("name") == "login"]
    assert str(login).startswith("<script>")


@pytest.mark.parametrize(("path", "status"), [("/rien", 404), ("/en/nothing", 404), ("/activer/../x", 404)])
def test_an_address_that_leads_nowhere(visit: Any, path: str, status: int) -> None:
    answer = visit.http.get(path, base_url="https://pia.test")
    assert answer.status_code == status
    assert "<h1>" in answer.text


def test_a_body_that_is_too_large_is_refused(visit: Any, accountd: Any) -> None:
    visit.post("/motdepasse/code", {"login": "x" * 20_000})
    assert (visit.last.status_code, accountd.asked) == (413, [])


def test_nothing_was_done_yet(visit: Any) -> None:
    answer = visit.http.get("/fait", base_url="https://pia.test")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


@pytest.mark.parametrize(("name", "kind"), [("style.css", "text/css"), ("icon.svg", "image/svg+xml")])
def test_styles_and_pictures_may_be_kept(app: Any, name: str, kind: str) -> None:
    with app.test_client() as http:
        answer = http.get(f"/{name}", base_url="https://pia.test")
        assert answer.headers["Content-Type"].startswith(kind)
        assert answer.headers["Cache-Control"] == "public, max-age=300"
        assert "Set-Cookie" not in answer.headers
