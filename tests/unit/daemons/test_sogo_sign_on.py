"""Log-ins to SOGo by the academy's page: the way out, the way back, the sessions that its front keeps."""

import asyncio
import base64
import json
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from authlib.jose import JsonWebKey
from malleposte.accountd.relying_party import AWAY_PAGE, RelyingParty
from malleposte.daemons.dav_router.sessions import COOKIE, Session, Sessions
from malleposte.daemons.dav_router.sign_on import FIRST, WAY, SignOn

from tests.support.provider import SECRET, FakeProvider
from tests.support.tokens import ISSUER

BACK = "https://agenda.test/connexion/retour"
Told = tuple[int, dict[str, str], list[str]]


class Browser:
    """One browser before the front."""

    def __init__(self, front: SignOn, provider: FakeProvider) -> None:
        self.front, self.provider = front, provider
        self.cookies: dict[str, str] = {}

    def headers(self, uri: str = FIRST, **sent: str) -> dict[str, str]:
        crumbs = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        told = {"cookie": crumbs, "host": "agenda.test", "x-original-uri": uri, "x-original-method": "GET"}
        return told | {name.replace("_", "-"): value for name, value in sent.items()}

    def kept(self, answer: tuple[int, list[str], bytes]) -> Told:
        status, lines, _body = answer
        pairs = [line.split(": ", 1) for line in lines]
        for name, value in pairs:
            if name == "Set-Cookie":
                word, _, rest = value.partition("=")
                self.cookies[word] = rest.partition(";")[0]
        return status, {one[0]: one[1] for one in pairs}, [value for name, value in pairs if name == "Set-Cookie"]

    def leave(self, uri: str = FIRST, **sent: str) -> Told:
        return self.kept(asyncio.run(self.front.out(self.headers(uri, **sent))))

    @staticmethod
    def asked(told: Mapping[str, str]) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(told["Location"]).query))

    def back(self, query: str) -> Told:
        return self.kept(asyncio.run(self.front.back(query, self.headers())))

    def query(self, uri: str = FIRST) -> str:
        """Of a way back, after a log-in."""
        return self.provider.log_in(self.leave(uri)[1]["Location"], "mdupond").partition("?")[2]

    def enter(self, uri: str = FIRST) -> Told:
        return self.back(self.query(uri))

    def session(self, uri: str = "/SOGo/so/mdupond/Mail/view", **sent: str) -> Told:
        return self.kept(asyncio.run(self.front.session(self.headers(uri, **sent))))

    @property
    def inside(self) -> bool:
        return self.session()[0] == 200


def signed_on(provider: FakeProvider, folder: Path, **more: Any) -> SignOn:
    ours = RelyingParty(ISSUER, "sogo", SECRET, scope="openid mail", http=provider.mount, **more)
    return SignOn(ours, Sessions(folder, 3600), BACK)


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider(time.time)


@pytest.fixture
def front(provider: FakeProvider, tmp_path: Path) -> SignOn:
    return signed_on(provider, tmp_path)


@pytest.fixture
def browser(front: SignOn, provider: FakeProvider) -> Browser:
    return Browser(front, provider)


def test_a_visitor_is_led_to_the_log_in_page(browser: Browser) -> None:
    status, told, cookies = browser.leave()
    assert status == 302 and told["Location"].startswith(f"{ISSUER}oauth2/authorize?")
    asked = browser.asked(told)
    assert asked["client_id"] == "sogo" and asked["code_challenge_method"] == "S256"
    (cookie,) = cookies
    assert cookie.startswith(f"{WAY}{asked['state']}=")
    assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax", "Max-Age=900"} <= set(cookie.split("; "))
    assert asked["nonce"] not in cookie and asked["code_challenge"] not in cookie


def test_who_comes_back_is_inside(browser: Browser, provider: FakeProvider) -> None:
    assert not browser.inside
    status, told, cookies = browser.enter()
    assert (status, told["Location"]) == (302, FIRST)
    assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"} <= set(cookies[0].split("; "))
    assert provider.asked[0]["code_verifier"]
    status, told, _ = browser.session()
    assert (status, told["X-Session-User"]) == (200, "mdupond")
    name, _colon, access = base64.b64decode(told["X-Session-Authorization"].removeprefix("Basic ")).partition(b":")
    assert name == b"mdupond"
    assert json.loads(base64.urlsafe_b64decode(access.split(b".")[1] + b"=="))["sub"] == "mdupond"


def test_a_way_back_without_its_way_out_enters_nobody(browser: Browser, front: SignOn, provider: FakeProvider) -> None:
    victim = Browser(front, provider)
    victim.leave()
    right = browser.query()
    state = dict(parse_qsl(right))["state"]
    for query in (right, "code=c", "code=c&state=", f"state={state}", f"error=x&state={state}"):
        assert victim.back(query)[0] == 403, query
        assert not victim.inside
    assert browser.back(right)[0] == 302
    assert browser.inside
    assert browser.back(right)[0] == 403, "once alone"


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "autre"}, {"nonce": None}, {"iss": "https://autre.test/"}, {"aud": "roundcube"}, {"aud": ["autre"]},
        {"exp": 1}, {"exp": None}, {"sub": "../x"}, {"sub": None}, {"iss": None},
    ],
)  # fmt: skip
def test_a_token_for_something_else_enters_nobody(
    browser: Browser, provider: FakeProvider, claims: dict[str, Any]
) -> None:
    provider.changed = claims
    assert browser.enter()[0] == 403
    assert not browser.inside
    provider.changed = {}
    assert browser.enter()[0] == 302
    assert browser.inside


def test_a_token_that_another_has_signed_enters_nobody(browser: Browser, provider: FakeProvider) -> None:
    another = JsonWebKey.generate_key("RSA", 2048, is_private=True)
    provider.sign_with = str(another.as_pem(is_private=True), "ascii")
    assert browser.enter()[0] == 403
    assert not browser.inside
    provider.sign_with = ""
    assert browser.enter()[0] == 302
    assert browser.inside


def test_tabs_that_open_together_all_come_back(browser: Browser) -> None:
    for query in [browser.query() for _ in range(3)]:
        assert browser.back(query)[0] == 302
    assert browser.inside


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("/SOGo/so/mdupond/Calendar/view", "/SOGo/so/mdupond/Calendar/view"),
        ("/SOGo/so/mdupond/Preferences", "/SOGo/so/mdupond/Preferences"),
        ("/SOGo/so/mdupond/Calendar/personal/addUserInAcls?uid=x", FIRST),
        ("/SOGo/so/mdupond/logoff", FIRST),
        ("//autre.test/", FIRST),
        ("/SOGo//autre.test/", FIRST),
    ],
)
def test_the_page_that_was_wanted_is_opened(browser: Browser, wanted: str, found: str) -> None:
    assert browser.enter(wanted)[1]["Location"] == found


def test_a_provider_that_is_away_is_told(browser: Browser, provider: FakeProvider) -> None:
    provider.away = True
    status, told, _ = browser.leave()
    assert (status, told["X-Accel-Redirect"]) == (503, AWAY_PAGE)
    provider.away = False
    query = browser.query()
    provider.away = True
    status, told, _ = browser.back(query)
    assert (status, told["X-Accel-Redirect"]) == (503, AWAY_PAGE)


def test_a_program_of_a_page_is_not_led_on(browser: Browser) -> None:
    assert browser.leave(sec_fetch_mode="cors")[0] == 401
    assert browser.leave(x_original_method="POST")[0] == 401
    assert browser.leave(sec_fetch_mode="navigate")[0] == 302


@pytest.mark.parametrize(
    ("sent", "uri", "inside"),
    [
        ({}, "/SOGo/so/mdupond/jsonDefaults", True),
        ({"sec_fetch_site": "same-origin", "sec_fetch_mode": "cors"}, "/SOGo/so/mdupond/jsonDefaults", True),
        ({"sec_fetch_site": "none", "sec_fetch_mode": "navigate"}, "/SOGo/so/mdupond/jsonDefaults", True),
        ({"sec_fetch_site": "same-site", "sec_fetch_mode": "navigate"}, "/SOGo/so/mdupond/Calendar/view", True),
        ({"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}, "/SOGo/", True),
        ({"sec_fetch_site": "same-site", "sec_fetch_mode": "navigate"}, "/SOGo/mdupond/view", True),
        ({"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}, "/SOGo/so/mdupond/x/addUserInAcls", False),
        ({"sec_fetch_site": "same-site", "sec_fetch_mode": "cors"}, "/SOGo/so/mdupond/Calendar/view", False),
        ({"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors"}, "/SOGo/", False),
        (
            {"sec_fetch_site": "same-site", "sec_fetch_mode": "navigate", "x_original_method": "POST"},
            "/SOGo/so/mdupond/Calendar/view",
            False,
        ),
        ({"origin": "https://autre.test", "x_original_method": "POST"}, "/SOGo/so/mdupond/x", False),
        ({"origin": "https://agenda.test", "x_original_method": "POST"}, "/SOGo/so/mdupond/x", True),
    ],
)
def test_another_site_has_pages_shown_and_nothing_done(
    browser: Browser, sent: dict[str, str], uri: str, inside: bool
) -> None:
    browser.enter()
    assert (browser.session(uri, **sent)[0] == 200) is inside


def test_a_token_is_renewed_once_for_all_that_a_page_asks(browser: Browser, provider: FakeProvider) -> None:
    provider.seconds = 30
    browser.enter()
    provider.seconds = 300

    async def together() -> list[Any]:
        return await asyncio.gather(*(browser.front.session(browser.headers("/SOGo/so/mdupond/x")) for _ in range(6)))

    pairs = {line for _status, lines, _body in asyncio.run(together()) for line in lines if "Authorization" in line}
    assert len(pairs) == 1
    assert [one["grant_type"] for one in provider.asked] == ["authorization_code", "refresh_token"]
    assert provider.asked[1]["refresh_token"] == "refresh-sid-0"


def test_a_session_that_the_provider_ended_ends_here(browser: Browser, provider: FakeProvider) -> None:
    provider.seconds = 30
    browser.enter()
    (ended,) = provider.sessions.items()
    provider.sessions.clear()
    seen = [browser.inside]
    provider.sessions.update([ended])
    provider.seconds = 300
    seen.append(browser.inside)
    browser.enter()
    assert [*seen, browser.inside] == [False, False, True], "over for good, until the next log-in"


def test_a_session_outlives_an_outage_until_its_token_ends(browser: Browser, provider: FakeProvider) -> None:
    provider.seconds = 30
    browser.enter()
    provider.away = True
    seen = [browser.inside]
    provider.away, provider.seconds = False, -1
    browser.enter()
    provider.away = True
    seen.append(browser.inside)
    provider.away, provider.seconds = False, 300
    assert [*seen, browser.inside] == [True, False, True], "it goes on when the provider is back"


def test_log_out_ends_both(browser: Browser) -> None:
    browser.enter()
    before = browser.cookies[COOKIE]
    forged = browser.headers("/SOGo/so/mdupond/logoff", sec_fetch_site="cross-site", sec_fetch_mode="navigate")
    asyncio.run(browser.front.leave(forged))
    assert browser.inside, "not for another site"
    status, told, cookies = browser.kept(asyncio.run(browser.front.leave(browser.headers("/SOGo/so/mdupond/logoff"))))
    assert status == 302 and told["Location"].startswith(f"{ISSUER}oauth2/logout?")
    assert browser.asked(told)["post_logout_redirect_uri"] == "https://agenda.test/"
    assert "Max-Age=0" in cookies[0]
    browser.cookies[COOKIE] = before
    assert not browser.inside


def test_the_uid_is_the_claim_that_is_given(provider: FakeProvider, tmp_path: Path) -> None:
    browser = Browser(signed_on(provider, tmp_path, uid_claim="login"), provider)
    assert browser.enter()[0] == 403, "the claim is not there"
    provider.changed = {"login": "../x"}
    assert browser.enter()[0] == 403
    provider.changed = {"login": "mdupond", "sub": "3f2c"}
    assert browser.enter()[0] == 302
    assert browser.session()[1]["X-Session-User"] == "mdupond"


def test_a_log_out_ends_the_session_here_while_the_provider_is_away(provider: FakeProvider, tmp_path: Path) -> None:
    browser = Browser(signed_on(provider, tmp_path), provider)
    browser.enter()
    restarted = Browser(signed_on(provider, tmp_path), provider)
    restarted.cookies = dict(browser.cookies)
    provider.away = True
    leaving = restarted.headers("/SOGo/so/mdupond/logoff")
    assert restarted.kept(asyncio.run(restarted.front.leave(leaving)))[1]["Location"] == FIRST
    assert not browser.inside


# --- the files ---


SESSION = Session("mdupond", "jeton", "nouveau", "identite", 4e9)


@pytest.mark.parametrize(
    "cookie", ["", "mdupond", "mdupond.", f"../x.{'a' * 64}", f".{'a' * 64}", f"mdupond.{'g' * 64}"]
)
def test_what_is_no_session_is_none(tmp_path: Path, cookie: str) -> None:
    kept = Sessions(tmp_path, 60)
    assert kept.find(cookie) is None
    assert kept.find(kept.open(SESSION)) == SESSION


def test_a_session_has_one_owner(tmp_path: Path) -> None:
    kept = Sessions(tmp_path, 60)
    word = kept.open(SESSION).rpartition(".")[2]
    assert kept.find(f"autre.{word}") is None
    assert kept.find(f"mdupond.{word}") == SESSION


def test_a_list_of_the_folder_opens_nothing(tmp_path: Path) -> None:
    kept = Sessions(tmp_path, 60)
    cookie = kept.open(SESSION)
    (file,) = tmp_path.iterdir()
    assert file.name.startswith("mdupond.") and file.name != cookie
    assert file.stat().st_mode & 0o777 == 0o600
    assert kept.find(file.name) is None


def test_an_idle_session_is_over(tmp_path: Path) -> None:
    kept = Sessions(tmp_path, 60)
    idle, used, gone = kept.open(SESSION), kept.open(SESSION), kept.open(SESSION)
    for cookie in (idle, gone):
        path = kept.path(cookie)
        assert path
        os.utime(path, (0, 0))
    assert kept.find(idle) is None
    kept.swept = 0
    kept.sweep()
    assert len(list(tmp_path.iterdir())) == 1
    assert kept.find(used) == SESSION


def test_a_log_in_that_ended_ends_its_sessions_and_no_other(tmp_path: Path) -> None:
    kept = Sessions(tmp_path, 60)
    one, same, other, old, namesake, stranger = (
        kept.open(replace(SESSION, uid=uid, sid=sid))
        for uid, sid in (
            ("mdupond", "a"), ("mdupond", "a"), ("mdupond", "b"), ("mdupond", ""), ("mdupond.b", "c"), ("autre", "a"),
        )
    )  # fmt: skip
    (tmp_path / ".0123").write_text("half a sess")

    def left() -> list[bool]:
        return [kept.find(cookie) is not None for cookie in (one, same, other, old, namesake, stranger)]

    assert left() == [True] * 6
    kept.end_all("a", "mdupond")
    assert left() == [False, False, True, True, True, True]
    kept.end_all("a")
    assert left() == [False, False, True, True, True, False]


def test_the_name_of_a_log_in_is_kept_with_its_session(
    browser: Browser, provider: FakeProvider, tmp_path: Path
) -> None:
    provider.changed, provider.seconds = {"sid": "+/x"}, 30
    browser.enter()
    provider.changed, provider.seconds = {}, 300
    assert browser.inside
    assert [one["grant_type"] for one in provider.asked] == ["authorization_code", "refresh_token"]
    (file,) = tmp_path.iterdir()
    assert json.loads(file.read_text())["sid"] == "+/x"


def test_a_session_from_before_names_were_kept_goes_on(tmp_path: Path) -> None:
    kept = Sessions(tmp_path, 60)
    cookie = kept.open(SESSION)
    (file,) = tmp_path.iterdir()
    held = json.loads(file.read_text())
    del held["sid"]
    file.write_text(json.dumps(held))
    assert kept.find(cookie) == SESSION


def test_a_session_that_was_ended_meanwhile_stays_ended(tmp_path: Path) -> None:
    kept = Sessions(tmp_path, 60)
    cookie, other = kept.open(SESSION), kept.open(SESSION)
    kept.end(cookie)
    kept.keep(cookie, SESSION)
    kept.keep(other, Session("mdupond", "neuf", "x", "y", 4e9))
    assert kept.find(cookie) is None
    found = kept.find(other)
    assert found and found.access == "neuf"
