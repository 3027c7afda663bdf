"""The cookie by which browsers are told apart: one for each, with the first page; accountd has a digest of it."""

import hashlib
from typing import Any

import pytest
from malleposte.accountd.calls import passwords
from malleposte_portal.core.browsers import COOKIE

CHANGE = "/motdepasse/changer"
TYPED = {"login": "mdupond", "old": "Ancien-Mot-9", "new": "Tulipe-Verte-4-Lampe", "again": "Tulipe-Verte-4-Lampe"}


def given(answer: Any) -> list[str]:
    """The marks that an answer gives."""
    cookies = [one for one in answer.headers.getlist("Set-Cookie") if one.startswith(f"{COOKIE}=")]
    return [one.partition(";")[0].partition("=")[2] for one in cookies]


def test_a_browser_gets_one_with_its_first_page_and_keeps_it(app: Any, visit: Any) -> None:
    (mark,) = given(visit.raw(CHANGE))
    assert len(mark) == 32
    assert given(visit.raw(CHANGE)) == given(visit.raw("/")) == []
    assert given(app.test_client().get("/", base_url="https://pia.test")) != [mark]


def test_accountd_is_told_a_digest_of_it(visit: Any, accountd: Any) -> None:
    (mark,) = given(visit.raw(CHANGE))
    visit.send(CHANGE, **TYPED)
    (asked,) = accountd.asked
    assert isinstance(asked, passwords.Change)
    assert asked.browser == hashlib.sha256(mark.encode()).hexdigest()[:32]


@pytest.mark.parametrize("mark", ["", "0" * 31, "0" * 33, "A" * 32, "é" * 32])
def test_what_is_no_such_cookie_is_told_to_nobody_and_replaced(visit: Any, accountd: Any, mark: str) -> None:
    visit.http.set_cookie(COOKIE, mark, domain="pia.test")
    token = next(h["value"] for h, _t in visit.get(CHANGE).all("input") if h.get("name") == "csrf_token")
    assert len(given(visit.last)) == 1
    visit.http.set_cookie(COOKIE, mark, domain="pia.test")
    visit.post(CHANGE, {"csrf_token": token, **TYPED})
    (asked,) = accountd.asked
    assert asked.browser == ""


def test_what_another_site_s_form_sends_replaces_none(visit: Any) -> None:
    assert given(visit.http.post(CHANGE, base_url="https://pia.test")) == []


def test_files_and_answers_to_programs_give_none(visit: Any) -> None:
    for path in ("/style.css", "/robots.txt", "/motdepasse/robustesse.json"):
        answer = visit.raw(path)
        assert (answer.status_code, given(answer)) == (200, []), path
