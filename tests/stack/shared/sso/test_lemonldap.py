"""The log-in page and its provider: admission, refusals, and the answers to a service."""

import base64
import json
import re
import urllib.parse
from typing import Any

import pytest
from malleposte.policy import rules
from malleposte.throttle.limits import Rates

from tests.stack.support.provider import BROWSER, SESSION, TOKEN, Provider, claims, returned
from tests.stack.support.site import Site
from tests.stack.support.tokens import of_roundcube
from tests.stack.support.web import Web
from tests.support.page import Page

ELSEWHERE = ("https://autre.test/", "https://autre.test", "//autre.test/", "javascript:alert('autre.test')")
BURST = 100
"""Log-ins that one address may send at once (nginx_login_burst)."""
TRIES = Rates().account.most


def _packed(address: str) -> str:
    """An address as the log-in page takes one."""
    return urllib.parse.quote(base64.b64encode(address.encode()).decode(), safe="")


@pytest.fixture
def browser(site: Site, web: Web) -> Any:
    """Further browsers."""
    return lambda: Provider(site, web)


def test_services_find_it(browser: Any) -> None:
    provider = browser()
    told = json.loads(provider.ask("/.well-known/openid-configuration").text)
    assert told["issuer"] == f"https://{provider.name}/"
    assert told["response_types_supported"] == ["code"]
    (key,) = json.loads(provider.ask("/oauth2/jwks").text)["keys"]
    assert (key["kty"], key.get("alg", "RS256")) == ("RSA", "RS256")
    assert len(key["n"]) == 512, "3072 bits"


def test_the_page_is_french_and_leads_to_the_portal(browser: Any, platform: Any) -> None:
    answer = browser().ask("/")
    page = Page(answer.text)
    assert [held["lang"] for held, _text in page.all("html")] == ["fr"]
    assert page.heading.strip() == "Connexion"
    labels = {held["for"] for held, _text in page.all("label")}
    assert labels == {"userfield", "passwordfield"}
    links = set(page.links)
    portal = f"https://{platform['hostnames']['portal']}"
    assert {f"{portal}/motdepasse", f"{portal}/activer"} <= links
    (policy,) = answer.headers.get_all("Content-Security-Policy") or []
    services = [f"https://{platform['hostnames'][name]}" for name in ("webmail", "groupware")]
    assert f"form-action 'self' {' '.join([portal, *services])};" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["Strict-Transport-Security"]
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_right_password_opens_and_no_other(browser: Any, person: Any) -> None:
    who, wrong, right = person(), browser(), browser()
    wrong.log_in(who.uid, rules.generate())
    assert not wrong.entered
    unknown = browser()
    unknown.log_in("nul-ne-porte-ce-nom", who.account.password)
    assert not unknown.entered
    right.log_in(who.account.mail, who.account.password)
    assert right.entered, "by the address, too"
    right.ask("/?logout=1")
    assert "passwordfield" in right.ask("/").text


def test_the_form_is_good_once_and_for_its_own_page(browser: Any, person: Any) -> None:
    who, visitor = person(), browser()
    answer = visitor.ask("/", "POST", user=who.uid, password=who.account.password)
    assert not visitor.entered and "passwordfield" in answer.text
    visitor.log_in(who.uid, who.account.password)
    assert visitor.entered


@pytest.mark.full
def test_a_known_browser_waits_for_its_own_guesses_alone(browser: Any, person: Any) -> None:
    """All have one address, as in a school: a pupil who guesses, with a new cookie each time, keeps nobody out."""
    who, known, stranger = person(), browser(), browser()
    known.log_in(who.uid, who.account.password)
    assert known.entered
    stranger.ask("/")
    for visitor in (known, stranger):
        visitor.ask("/?logout=1")
        visitor.cookies.pop(SESSION, None)
    # More than accountd answers for one account and network within ten minutes: its own limits count apart as well.
    for _ in range(TRIES + 1):
        browser().log_in(who.uid, rules.generate())
    assert 'trmsg="86"' in stranger.log_in(who.uid, who.account.password).text
    assert not stranger.entered
    known.log_in(who.uid, who.account.password)
    assert known.entered
    known.ask("/?logout=1")
    known.cookies.pop(SESSION, None)
    pages = [known.log_in(who.uid, rules.generate()).text for _ in range(10)]
    assert any('trmsg="86"' in page for page in pages), "a known browser may not guess freely either"


def test_each_browser_has_a_cookie_of_its_own_that_says_nothing_of_an_account(browser: Any, person: Any) -> None:
    who, visitor = person(), browser()
    (first,) = _given(visitor.ask("/"))
    value, *rest = first.split("; ")
    assert re.fullmatch(f"{BROWSER}=[0-9a-f]{{32}}", value)
    held = dict(one.lower().partition("=")[::2] for one in rest)
    assert (held["path"], held["samesite"], held["max-age"]) == ("/", "lax", str(400 * 86_400))
    assert {"secure", "httponly"} <= set(held) and "domain" not in held
    assert _given(browser().ask("/")) != [first]
    answers = [visitor.ask("/")]
    for name, password in ((who.uid, rules.generate()), ("nul-ne-porte-ce-nom", "x"), (who.uid, who.account.password)):
        answers.append(visitor.log_in(name, password))
    assert [_given(one) for one in answers] == [[]] * 4
    # The form of another site comes without the cookie, and its answer must not replace it.
    assert _given(browser().ask("/", "POST", user=who.uid, password="x")) == []


def _given(answer: Any) -> list[str]:
    """The cookies by which browsers are told apart, of an answer."""
    return [one for one in answer.headers.get_all("Set-Cookie") or [] if one.startswith(f"{BROWSER}=")]


def test_a_service_is_told_who_it_is(browser: Any, person: Any) -> None:
    who, visitor = person(), browser()
    answer = visitor.log_in(who.uid, who.account.password, visitor.authorize())
    while "code" not in returned(answer):
        answer = visitor.ask(answer.headers["Location"].removeprefix(f"https://{visitor.name}"))
    assert answer.headers["Location"].startswith(visitor.portal + "?")
    sent = returned(answer)
    assert sent["state"] == "un-etat"
    status, told = visitor.redeem(sent["code"])
    assert status == 200, told
    token = claims(told["id_token"])
    assert (token["sub"], token["aud"], token["nonce"]) == (who.uid, ["portail"], "un-nonce")
    assert (token["iss"], token["email"]) == (f"https://{visitor.name}/", who.account.mail)
    assert token["exp"] - token["iat"] == 300
    assert visitor.redeem(sent["code"])[0] == 400, "a code serves once"


def test_a_code_is_worth_nothing_to_others(browser: Any, person: Any) -> None:
    who, visitor = person(), browser()
    visitor.log_in(who.uid, who.account.password)
    for wrong in ({"client_secret": "x" * 32}, {"code_verifier": "y" * 64}, {"redirect_uri": "https://autre.test/"}):
        code = returned(visitor.ask(visitor.authorize()))["code"]
        assert visitor.redeem(code, **wrong)[0] in (400, 401), wrong
    again = returned(visitor.ask(visitor.authorize()))["code"]
    assert visitor.redeem(again)[0] == 200


REFUSED = (
    {"redirect_uri": "https://autre.test/retour"},
    {"client_id": "inconnu"},
    {"code_challenge": ""},
    {"code_challenge_method": ""},
    {"code_challenge_method": "plain"},
    {"request": "eyJhbGciOiJub25lIn0.eyJhY3JfdmFsdWVzIjoibG9hLTUifQ."},
    {"request_uri": "https://autre.test/demande"},
    {"response_type": "token"},
    {"state": ""},
    {"nonce": ""},
)
"""Requests of a service that are refused."""


def test_what_a_service_may_not_ask_is_refused(browser: Any, person: Any) -> None:
    who, visitor = person(), browser()
    visitor.log_in(who.uid, who.account.password)
    for changed in REFUSED:
        assert "code" in returned(visitor.ask(visitor.authorize())), changed
        where = visitor.ask(visitor.authorize(**changed)).headers["Location"] or ""
        assert "code=" not in where and "access_token" not in where, changed
        assert not where.startswith("https://autre.test"), changed


def test_every_service_has_pkce_by_s256_alone(browser: Any, person: Any, site: Site) -> None:
    who, visitor = person(), browser()
    visitor.log_in(who.uid, who.account.password)
    webmail = {
        "client_id": "roundcube",
        "redirect_uri": f"https://{site.platform['hostnames']['webmail']}/index.php/login/oauth",
    }
    assert "code" in returned(visitor.ask(visitor.authorize(**webmail)))
    for method in ("plain", ""):
        answer = visitor.ask(visitor.authorize(**webmail, code_challenge="v" * 43, code_challenge_method=method))
        assert "code=" not in (answer.headers["Location"] or ""), method


@pytest.mark.parametrize(
    "asked",
    [
        {"acr_values": "loa-5"},
        {"max_age": "1"},
        {"prompt": "login"},
        {"redirect_uri": "https://autre.test/"},
        *(
            pytest.param(one, marks=pytest.mark.full)
            for one in (
                {"max_age": "-100"},
                {"prompt": "login consent select_account"},
                {"prompt": "none"},
                {"id_token_hint": "e30.e30.e30"},
                {"login_hint": "un-autre"},
                {"ui_locales": "tlh"},
                {"display": "popup"},
                {"claims": '{"id_token":{"acr":{"essential":true,"values":["loa-5"]}}}'},
                {"response_mode": "form_post"},
                {"request": "eyJhbGciOiJub25lIn0.eyJhY3JfdmFsdWVzIjoibG9hLTUifQ."},
            )
        ),
    ],
    ids=lambda one: "-".join(map("=".join, one.items()))[:30],
)
def test_no_link_of_a_stranger_wedges_later_log_ins(browser: Any, person: Any, asked: dict[str, str]) -> None:
    """Followed before the log-in, and while it is open, in the browser that then goes to its services as ever."""
    who, visitor = person(), browser()
    visitor.ask(visitor.authorize(**asked))
    visitor.ask(visitor.authorize(**asked))
    assert _opens(visitor, visitor.log_in(who.uid, who.account.password, visitor.authorize()))
    answer = visitor.ask(visitor.authorize(**asked))
    for _ in range(3):
        where = answer.headers["Location"] or ""
        if not where.startswith(f"https://{visitor.name}/"):
            break
        answer = visitor.ask(where.removeprefix(f"https://{visitor.name}"))
    assert _opens(visitor, visitor.ask(visitor.authorize()))
    visitor.ask("/?logout=1")
    visitor.cookies.pop(SESSION, None)
    assert _opens(visitor, visitor.log_in(who.uid, who.account.password, visitor.authorize()))


def _opens(visitor: Any, answer: Any) -> bool:
    """Whether the browser comes back to the portal with a code, within a few steps."""
    for _ in range(4):
        where = answer.headers["Location"] or ""
        if where.startswith(visitor.portal):
            return "code" in returned(answer)
        if not where.startswith(f"https://{visitor.name}/"):
            return False
        answer = visitor.ask(where.removeprefix(f"https://{visitor.name}"))
    return False


@pytest.mark.parametrize(
    "path",
    [
        "/?url={}",
        "/?url={}&logout=1",
        *(pytest.param(one, marks=pytest.mark.full) for one in ("/?logout=1&url={}", "/2fregisters?url={}")),
    ],
)
def test_no_address_leads_to_another_site(browser: Any, person: Any, path: str) -> None:
    """A letter with such an address of ours would lend its good name to a copy of the log-in page."""
    who = person()
    for address in ELSEWHERE:
        asked = path.format(_packed(address))
        outside, inside = browser(), browser()
        inside.log_in(who.uid, who.account.password)
        pages = [outside.ask(asked), inside.ask(asked)]
        form = TOKEN.search(outside.ask("/").text)
        assert form
        typed = {"user": who.uid, "password": who.account.password, "token": form[1]}
        pages.append(outside.ask("/", "POST", url=_packed(address), **typed))
        for page in pages:
            assert "autre.test" not in (page.headers["Location"] or ""), address
            assert not re.search(r"""(?:href|action|src|content)=["'][^"']*autre\.test""", page.text), address


def test_an_own_address_is_led_to_after_the_log_in(browser: Any, person: Any) -> None:
    who, visitor = person(), browser()
    own = f"https://{visitor.name}/2fregisters"
    assert visitor.log_in(who.uid, who.account.password, f"/?url={_packed(own)}").headers["Location"] == own


def test_a_log_out_leads_to_addresses_of_the_service_alone(browser: Any, person: Any, site: Site, web: Web) -> None:
    who, visitor = person(), browser()
    own = f"https://{site.platform['hostnames']['webmail']}/"
    for address, right in ((ELSEWHERE[0], False), (f"{own}x", False), (own, True)):
        known = of_roundcube(site, web, who.account, visitor)["id_token"]
        asked = urllib.parse.urlencode({"post_logout_redirect_uri": address, "id_token_hint": known})
        answer = visitor.ask(f"/oauth2/logout?{asked}")
        assert (answer.headers["Location"] == address) is right, address
        assert "autre.test" not in answer.text
        assert "code" not in returned(visitor.ask(visitor.authorize())), "the log-in has ended all the same"
        visitor.cookies.clear()


def test_a_webmail_may_ask_for_as_many_tokens_as_it_has_agents(browser: Any) -> None:
    """All of them come from its one address, at the hour when everybody logs in."""
    provider = browser()
    assert {provider.redeem("un-code-qui-n-est-pas")[0] for _ in range(BURST + 30)} == {400}


@pytest.mark.parametrize(
    "path",
    [
        *("/adminSessions", "/sessions/global/x", "/proxy", "/confs/latest", "/config", "/mysession/whoami"),
        *("/index.psgi/sessions/global/x", "/index.psgi", "/oauth2/introspect", "/oauth2/register"),
    ],
)
def test_ways_for_programs_are_closed(browser: Any, path: str) -> None:
    assert browser().ask(path).status == 404
    assert browser().ask("/").status in (200, 401)


def test_its_store_is_closed_to_others(site: Site) -> None:
    ask = "valkey-cli -s /run/valkey-sso/valkey.sock"
    assert "NOAUTH" in site.run("pia1", f"{ask} dbsize")
    given = f"AUTH lemonldap {site.secret('valkey-sso').strip()}\nDBSIZE\nFLUSHALL\n"
    told = site.run("pia1", ask, given=given, check=False)
    assert "NOPERM" in told and "NOAUTH" not in told
    assert site.run("pia1", "systemctl is-active valkey-server.service", check=False).strip() == "inactive"


def test_its_secrets_are_read_by_none_but_its_user(site: Site) -> None:
    for path in ("/etc/lemonldap-ng/malleposte/lmConf-1.json", "/etc/lemonldap-ng/malleposte/lemonldap-ng.ini"):
        assert site.run("pia1", f"stat -c '%U:%G %a' {path}").strip() == "root:lemonldap 640"
        for other in ("portal", "www-data"):
            assert site.run("pia1", f"runuser -u {other} -- cat {path}", check=False) == ""
