"""The probe of the log-in page: its readings, and the faults that it names."""

import datetime
from typing import Any

import pytest
from malleposte.probe.walker.https import Answer, Browser
from malleposte.probe.walker.paths import sso
from malleposte.probe.walker.plan import NotTestedError, PathError

from tests.unit.probe.test_paths import make_plan

NAME, MAIL = "sso.ac-exemple.test", "webmail.ac-exemple.test"
FORM = b'<input type="hidden" name="token" value="t1" />'


def provider(monkeypatch: pytest.MonkeyPatch, **changed: Any) -> list[str]:
    """A provider that works, but for what is changed; what it was asked."""
    told = {"issuer": f"https://{NAME}/", "keys": '[{"kid": "a"}]', "opens": True, "page": FORM} | changed
    asked: list[str] = []

    def request(self: Browser, method: str, path: str, body: Any = None, headers: Any = None) -> Answer:
        asked.append(f"{method} {path}")
        if "openid-configuration" in path:
            return Answer(200, {}, f'{{"issuer": "{told["issuer"]}"}}'.encode())
        if "jwks" in path:
            return Answer(200, {}, f'{{"keys": {told["keys"]}}}'.encode())
        if method == "POST" and told["opens"]:
            self.cookies[sso.COOKIE] = "s"
        return Answer(200, {}, told["page"])

    monkeypatch.setattr(Browser, "request", request)
    return asked


def test_a_whole_log_in(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = provider(monkeypatch)
    assert sso.log_in_page(make_plan(hosts={"sso": NAME})) == "discovery document, keys, logged in and out"
    assert "POST /" in asked and "GET /?logout=1" in asked


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"issuer": "https://autre.test/"}, "the issuer is"),
        ({"keys": "[]"}, "no key"),
        ({"page": b""}, "no log-in form"),
        ({"opens": False}, "log-in refused"),
    ],
)
def test_faults_are_named(monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], said: str) -> None:
    provider(monkeypatch, **changed)
    with pytest.raises(PathError, match=said):
        sso.log_in_page(make_plan(hosts={"sso": NAME}))


def test_a_signing_key_that_was_not_changed_in_time_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    provider(monkeypatch)
    plan = make_plan(hosts={"sso": NAME}, signing_since="2026-01-01")
    first = datetime.date(2026, 1, 1)
    assert sso.signing_key(plan, first + datetime.timedelta(sso.KEY_DAYS)) == f"changed {sso.KEY_DAYS} days ago"
    with pytest.raises(PathError, match="secrets timer"):
        sso.signing_key(plan, first + datetime.timedelta(sso.KEY_DAYS + 1))
    with pytest.raises(NotTestedError, match="not known"):
        sso.signing_key(make_plan(hosts={"sso": NAME}))
    provider(monkeypatch, keys='[{"kid": "a"}, {"kid": "b"}]')
    assert "under way" in sso.signing_key(plan, first)


def visits(monkeypatch: pytest.MonkeyPatch, **changed: str) -> None:
    """A service and its log-in page, each leading on to the next address, but for what is changed."""
    leads = {
        f"{MAIL}/": f"https://{NAME}/oauth2/authorize?a",
        f"{NAME}/": f"https://{NAME}/oauth2/authorize?b",
        f"{NAME}/oauth2/authorize?b": f"https://{MAIL}/retour?code=c",
        f"{MAIL}/fin": f"https://{NAME}/oauth2/logout?d",
    } | {f"{name.replace('_', '.').replace('ac.exemple', 'ac-exemple')}/": value for name, value in changed.items()}

    def request(self: Browser, method: str, path: str, body: Any = None, headers: Any = None) -> Answer:
        if method == "POST":
            self.cookies[sso.COOKIE] = "s"
        if self.name == NAME and method == "GET" and path in ("/", "/oauth2/authorize?a"):
            return Answer(401, {}, FORM)
        where = leads.get(f"{self.name}{path}", "")
        return Answer(302 if where else 200, {"location": where} if where else {}, path.encode())

    monkeypatch.setattr(Browser, "request", request)


def test_a_service_is_entered_by_the_page_and_left_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    visits(monkeypatch)
    plan = make_plan(hosts={"sso": NAME})
    service = Browser(plan, MAIL)
    answer, page = sso.sign_on(plan, service, "/", plan.accounts[0])
    assert (answer.text, page.name) == ("/retour?code=c", NAME)
    sso.sign_off(service, page, "/fin")


@pytest.mark.parametrize("where", ["https://autre.test/", f"https://{MAIL}/x", f"https://{NAME}.autre.test/"])
def test_a_service_that_leads_elsewhere_is_named(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    plan = make_plan(hosts={"sso": NAME})
    visits(monkeypatch, webmail_ac_exemple_test=where)
    with pytest.raises(PathError, match="does not lead to the log-in page"):
        sso.sign_on(plan, Browser(plan, MAIL), "/", plan.accounts[0])
