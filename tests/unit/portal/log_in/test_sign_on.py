"""Log-in by the provider and log-out: each wrong answer beside the right one; pages that need no log-in go on."""

import base64
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from authlib.jose import JsonWebKey
from malleposte.accountd import client
from malleposte.accountd.message import ErrorCode
from malleposte.accountd.relying_party import AWAY_PAGE
from malleposte_portal.log_in import sessions
from malleposte_portal.log_in.sign_on import COOKIE, END, RETURN, local

from tests.support.provider import EVENT, SECRET, FakeProvider
from tests.support.tokens import CLIENT, Minter
from tests.unit.portal.conftest import portal
from tests.unit.portal.own.test_pages import DONE


def begun(visit: Any, path: str = "/connexion") -> str:
    """The address at the provider to which a log-in sends the browser."""
    answer = visit.raw(path)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def entered(visit: Any) -> bool:
    """Whether the first page knows the agent."""
    return "Marie Dupond" in visit.get("/").all("header")[0][1]


def test_a_log_in_comes_back_to_where_it_began(visit: Any, provider: FakeProvider) -> None:
    assert not entered(visit)
    answer = visit.raw("/compte/journal")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/connexion?vers=/compte/journal")
    answer = visit.raw(provider.log_in(begun(visit, answer.headers["Location"]), "mdupond"))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/compte/journal")
    (cookie,) = [line for line in answer.headers.getlist("Set-Cookie") if line.startswith(COOKIE)]
    assert all(word in cookie for word in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"))
    assert "Domain" not in cookie and "mdupond" not in cookie and len(cookie) < 150
    assert entered(visit)
    (asked,) = provider.asked
    assert asked["authorization"] == "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
    assert asked["redirect_uri"] == "https://pia.test/connexion/retour"


def test_two_tabs_that_wait_at_the_log_in_page_both_come_back(visit: Any, provider: FakeProvider) -> None:
    tabs = [begun(visit, f"/connexion?vers={path}") for path in ("/compte/journal", "/compte/interface")]
    led = [visit.raw(provider.log_in(one, "mdupond")).headers["Location"] for one in tabs]
    assert led == ["/compte/journal", "/compte/interface"]
    assert entered(visit)


def test_the_language_of_before_goes_on(visit: Any, provider: FakeProvider) -> None:
    answer = visit.raw(provider.log_in(begun(visit, "/en/login"), "mdupond"))
    assert answer.headers["Location"] == "/en/account"


def test_identifier_and_form_token_are_new_after_a_log_in(visit: Any, log_in: Any) -> None:
    visit.get("/motdepasse/changer")
    before = visit.http.get_cookie("__Host-portal", "pia.test").value
    log_in(visit)
    first = visit.http.get_cookie(COOKIE, "pia.test").value
    assert visit.http.get_cookie("__Host-portal", "pia.test") is None or (
        visit.http.get_cookie("__Host-portal", "pia.test").value != before
    )
    visit.press("/", "/deconnexion")
    log_in(visit)
    assert visit.http.get_cookie(COOKIE, "pia.test").value != first


@pytest.mark.parametrize(
    ("asked", "led"),
    [
        ("/compte/appareils", "/compte/appareils"),
        ("/en/account?x=1", "/en/account?x=1"),
        *((wrong, "/") for wrong in (
            "https://autre.test/", "//autre.test/", "/\\autre.test", "\\\\autre.test", "http:autre", "javascript:x",
            "/a\r\nSet-Cookie: x=1", "/é", "/ /autre", "/connexion/retour?code=x", "/connexion/fin", "",
            "/" + "a" * 300,
        )),
    ],
)  # fmt: skip
def test_a_log_in_leads_to_this_site_alone(visit: Any, provider: FakeProvider, asked: str, led: str) -> None:
    assert local(asked) == led
    answer = visit.http.get("/connexion", query_string={"vers": asked}, base_url="https://pia.test")
    back = visit.raw(provider.log_in(answer.headers["Location"], "mdupond"))
    assert back.headers["Location"] == (led if asked else "/compte")


@pytest.mark.parametrize(
    "changed",
    [
        {"nonce": "un-autre"},
        {"nonce": None},
        {"aud": ["roundcube"]},
        {"iss": "https://autre.test/"},
        {"exp": 1000},
        {"iat": 9_999_999_999},
        {"sub": None},
        {"azp": "roundcube"},
    ],
    ids=str,
)
def test_what_an_identity_token_must_say(visit: Any, provider: FakeProvider, changed: dict[str, Any]) -> None:
    provider.changed = changed
    assert visit.raw(provider.log_in(begun(visit), "mdupond")).status_code == 400
    assert not entered(visit)
    provider.changed = {}
    assert visit.raw(provider.log_in(begun(visit), "mdupond")).status_code == 303
    assert entered(visit)


def test_who_signs_is_the_provider(visit: Any, provider: FakeProvider) -> None:
    other = str(JsonWebKey.generate_key("RSA", 2048, is_private=True).as_pem(is_private=True), "ascii")
    address = begun(visit)
    good, provider.sign_with = provider.key, other
    assert visit.raw(provider.log_in(address, "mdupond")).status_code == 400
    provider.sign_with = good
    assert visit.raw(provider.log_in(begun(visit), "mdupond")).status_code == 303


def test_a_new_key_of_the_provider_is_found(visit: Any, provider: FakeProvider, another: Any) -> None:
    assert visit.raw(provider.log_in(begun(visit), "mdupond")).status_code == 303
    key = JsonWebKey.generate_key("RSA", 2048, {"kid": "neuve"}, is_private=True)
    provider.key = str(key.as_pem(is_private=True), "ascii")
    provider.kid = "neuve"
    second = another()
    assert second.raw(provider.log_in(begun(second), "mdupond")).status_code == 303


def test_state_and_code_serve_once_and_in_their_own_browser(visit: Any, provider: FakeProvider, another: Any) -> None:
    address = begun(visit)
    attacker = another()
    attacker.get("/motdepasse/changer")
    begun(attacker)
    assert attacker.raw(provider.log_in(address, "voleur")).status_code == 400, "another browser's log-in"
    assert not entered(attacker)
    back = provider.log_in(begun(visit), "mdupond")
    assert visit.raw(f"{RETURN}?code=code-0&state=invente").status_code == 400
    assert visit.raw(back).status_code == 303
    cookie = visit.http.get_cookie(COOKIE, "pia.test").value
    assert visit.raw(back).headers["Location"] == "/compte", "the button back: the log-in of before goes on"
    assert visit.http.get_cookie(COOKIE, "pia.test").value == cookie
    visit.http.delete_cookie(COOKIE, domain="pia.test")
    assert visit.raw(back).status_code == 400, "again"
    assert visit.raw(provider.log_in(begun(visit), "mdupond")).status_code == 303
    fresh = begun(another())
    state = dict(part.split("=") for part in fresh.partition("?")[2].split("&"))["state"]
    cookie = visit.http.get_cookie(COOKIE, "pia.test").value
    another_s = f"{RETURN}?code=code-1&state={state}"
    assert visit.raw(another_s).headers["Location"] == "/compte", "the log-in of before goes on"
    assert entered(visit) and visit.http.get_cookie(COOKIE, "pia.test").value == cookie
    visit.http.delete_cookie(COOKIE, domain="pia.test")
    assert visit.raw(another_s).status_code == 400


def test_log_ins_that_are_begun_fill_no_store_and_end(
    visit: Any, provider: FakeProvider, another: Any, valkey: Any, clock: Any
) -> None:
    """Each wrote a key of ten minutes; with many, whoever was at the log-in page could not come back."""
    first = begun(visit)
    for _ in range(20):
        begun(another())
    assert valkey.held == {}
    for _ in range(20):
        late = begun(visit)
    assert len(visit.http.get_cookie("__Host-portal", "pia.test").value) < 4000
    assert visit.raw(provider.log_in(first, "mdupond")).status_code == 400, "three of a browser are kept"
    assert visit.raw(provider.log_in(late, "mdupond")).status_code == 303
    late = begun(fresh := another())
    clock.now += 601
    assert fresh.raw(provider.log_in(late, "mdupond")).status_code == 400


def test_a_code_that_was_redeemed_gives_nothing(visit: Any, provider: FakeProvider) -> None:
    address = begun(visit)
    back = provider.log_in(address, "mdupond")
    provider.codes.clear()
    assert visit.raw(back).status_code == 400
    assert visit.raw(provider.log_in(begun(visit), "mdupond")).status_code == 303


def test_another_provider_s_answer_is_refused(visit: Any, provider: FakeProvider) -> None:
    assert visit.raw(provider.log_in(begun(visit), "mdupond", iss="https://autre.test/")).status_code == 400
    assert visit.raw(provider.log_in(begun(visit), "mdupond", iss="https://sso.test/")).status_code == 303


def test_a_log_out_ends_the_provider_s_session_too(visit: Any, log_in: Any) -> None:
    log_in(visit)
    assert visit.http.get("/deconnexion", base_url="https://pia.test").status_code == 405
    assert visit.http.post("/deconnexion", base_url="https://pia.test").status_code == 400, "without the form's token"
    assert entered(visit)
    held = visit.http.get_cookie(COOKIE, "pia.test").value
    answer = visit.press("/", "/deconnexion")
    assert answer.status_code == 303
    where = answer.headers["Location"]
    assert where.startswith("https://sso.test/oauth2/logout?id_token_hint=ey")
    assert "post_logout_redirect_uri=https%3A%2F%2Fpia.test%2Fdeconnecte" in where
    assert not entered(visit)
    visit.http.set_cookie(COOKIE, held, domain="pia.test", secure=True)
    assert not entered(visit), "the identifier is worth nothing any more"
    assert "déconnecté" in visit.get("/deconnecte").heading


def told(visit: Any, token: str) -> int:
    """The status that the provider gets when it tells of a log-out."""
    return int(visit.http.post(END, data={"logout_token": token}, base_url="https://pia.test").status_code)


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": ["roundcube"]},
        {"iss": "https://autre.test/"},
        {"events": {}},
        {"events": None},
        {"nonce": "x"},
        {"sid": None, "sub": None},
        {"iat": None},
        {"iat": 1000},
    ],
    ids=str,
)
def test_the_provider_tells_of_a_log_out(
    visit: Any, log_in: Any, provider: FakeProvider, changed: dict[str, Any]
) -> None:
    log_in(visit)
    right = {"sid": "sid-0", "sub": "mdupond"}
    assert told(visit, provider.log_out_token(**(right | changed))) == 400
    assert entered(visit)
    assert told(visit, provider.log_out_token(sid="sid-9")) == 200
    assert entered(visit), "another session's"
    assert told(visit, provider.log_out_token(**right)) == 200
    assert not entered(visit)


def test_a_log_out_without_a_session_is_for_all_of_the_agent(
    visit: Any, log_in: Any, provider: FakeProvider, another: Any
) -> None:
    second, other = another(), another()
    log_in(visit), log_in(second), log_in(other, "autre")
    assert told(visit, "rien") == 400
    assert told(visit, Minter(clock=provider.clock).sign({"sub": "mdupond", "events": EVENT})) == 400
    assert told(visit, provider.log_out_token(sub="mdupond")) == 200
    assert [entered(one) for one in (visit, second, other)] == [False, False, True]


def test_a_log_in_ends_when_it_is_idle_and_after_some_hours(visit: Any, log_in: Any, clock: Any) -> None:
    log_in(visit)
    for _ in range(11):
        clock.now += 3000
        assert entered(visit)
    clock.now += 3500
    assert not entered(visit), "ten hours"
    log_in(visit)
    clock.now += 3601
    assert not entered(visit), "an hour without a page"


@pytest.mark.parametrize("path", ["/", "/activer", "/motdepasse/changer", "/motdepasse/robustesse", "/diagnostic"])
def test_pages_for_everybody_need_neither_provider_nor_valkey(
    visit: Any, log_in: Any, provider: FakeProvider, valkey: Any, path: str
) -> None:
    log_in(visit)
    provider.away = valkey.away = True
    assert "Se connecter" in visit.get(path).all("header")[0][1]
    assert visit.last.status_code == 200
    page = visit.get("/connexion")
    assert visit.last.status_code == 503
    assert "pas possible pour le moment" in page.main
    assert "X-Accel-Redirect" not in visit.last.headers, "that the portal cannot keep log-ins is its own matter"
    provider.away = valkey.away = False
    assert entered(visit), "the log-in of before goes on"


def test_a_provider_that_is_away_is_told_by_the_front_s_page(fresh: Any) -> None:
    visit, provider = fresh()
    provider.away = True
    page = visit.get("/en/login")
    assert visit.last.status_code == 503 and "not possible at the moment" in page.main
    assert visit.last.headers["X-Accel-Redirect"] == AWAY_PAGE
    provider.away = False
    back = provider.log_in(begun(visit), "mdupond")
    provider.away = True
    visit.get(back)
    assert visit.last.status_code == 503
    assert visit.last.headers["X-Accel-Redirect"] == AWAY_PAGE


def test_what_the_provider_knew_before_all_ended_opens_nothing_without_the_password(
    visit: Any, log_in: Any, provider: FakeProvider, another: Any, clock: Any
) -> None:
    log_in(visit)
    before = int(clock())
    clock.now += 10
    visit.press("/compte/appareils", "/compte/sessions/fermer")
    clock.now += 10
    attacker = another()
    answer = attacker.raw(provider.log_in(begun(attacker), "mdupond", before))
    assert answer.status_code == 303
    assert "prompt=login" in answer.headers["Location"] and not entered(attacker)
    other = another()
    assert other.raw(provider.log_in(begun(other), "autre", before)).headers["Location"] == "/compte"
    owner = another()
    again = owner.raw(provider.log_in(begun(owner), "mdupond", before)).headers["Location"]
    assert owner.raw(provider.log_in(again, "mdupond")).headers["Location"] == "/compte"
    assert entered(owner)


def test_a_log_in_from_before_all_ended_has_no_new_token(
    visit: Any, another: Any, log_in: Any, valkey: Any, clock: Any, accountd: Any
) -> None:
    """As hostd ends the log-ins of an agent, where the provider goes on giving tokens."""
    accountd.answer = DONE
    other = another()
    log_in(visit), log_in(other, "autre")
    clock.now += 10
    valkey.set("portal:ended:mdupond", str(clock.now), 36_000)
    clock.now += 300
    assert visit.raw("/compte").headers["Location"] == "/deconnecte?fin=1"
    assert not entered(visit)
    assert other.raw("/compte").status_code == 200, "nobody else's"


def test_two_requests_at_once_renew_once_whichever_process_has_them(
    visit: Any, log_in: Any, provider: FakeProvider, accountd: Any, valkey: Any, clock: Any
) -> None:
    """The refresh token was used twice, and the second use ended the log-in."""
    accountd.answer, provider.rotates = DONE, True
    log_in(visit)
    together = threading.Barrier(2)

    def busy() -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(3)

    provider.busy = busy
    cookie = visit.http.get_cookie(COOKIE, "pia.test").value
    processes = [portal(accountd, provider, valkey, clock).test_client() for _ in range(2)]
    for one in processes:
        one.set_cookie(COOKIE, cookie, domain="pia.test", secure=True)
    for _ in range(2):
        clock.now += 290
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda one: one.get("/compte", base_url="https://pia.test"), processes))
        assert [one.status_code for one in answers] == [200, 200]
    assert [one["grant_type"] for one in provider.asked].count("refresh_token") == 2
    assert entered(visit)


def test_a_page_that_is_noted_beside_a_renewal_leaves_its_tokens(
    visit: Any, log_in: Any, provider: FakeProvider, accountd: Any, valkey: Any, clock: Any
) -> None:
    """It wrote back all that it had read, with the refresh token that was used up meanwhile."""
    accountd.answer, provider.rotates = DONE, True
    log_in(visit)
    clock.now += 290
    read, held = valkey.get, visit.http.get_cookie(COOKIE, "pia.test").value
    renewing = portal(accountd, provider, valkey, clock).test_client()
    renewing.set_cookie(COOKIE, held, domain="pia.test", secure=True)
    before: list[int] = []

    def between(name: str) -> Any:
        found = read(name)
        if name.startswith("portal:session:"):
            valkey.get = read
            before.append(renewing.get("/compte", base_url="https://pia.test").status_code)
        return found

    valkey.get = between
    assert entered(visit) and before == [200]
    clock.now += 290
    assert visit.raw("/compte").status_code == 200


def test_a_turn_that_does_not_come_says_so(
    visit: Any, log_in: Any, provider: FakeProvider, accountd: Any, valkey: Any, clock: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    accountd.answer = DONE
    log_in(visit)
    clock.now += 290
    monkeypatch.setattr(sessions, "TURN_PATIENCE", 0.0)
    key = sessions.key_of(visit.http.get_cookie(COOKIE, "pia.test").value)
    valkey.set(f"portal:turn:{key}", "another", sessions.TURN_SECONDS)
    assert visit.raw("/compte").status_code == 503
    clock.now += sessions.TURN_SECONDS
    assert visit.raw("/compte").status_code == 200, "whoever had it was killed"


@pytest.mark.parametrize("since", [None, 0], ids=["does not say", "long ago"])
def test_a_provider_that_does_not_ask_again_opens_nothing(
    visit: Any, log_in: Any, provider: FakeProvider, another: Any, clock: Any, since: int | None
) -> None:
    provider.changed = {"auth_time": since}
    log_in(visit)
    visit.press("/compte/appareils", "/compte/sessions/fermer")
    clock.now += 10
    attacker = another()
    again = attacker.raw(provider.log_in(begun(attacker), "mdupond")).headers["Location"]
    assert attacker.raw(provider.log_in(again, "mdupond")).status_code == 400
    assert not entered(attacker)
    provider.changed = {}
    assert attacker.raw(provider.log_in(begun(attacker), "mdupond")).status_code == 303


@pytest.mark.parametrize("error", [ErrorCode.UNAUTHORISED, ErrorCode.NOT_PROVED])
def test_an_agent_whom_accountd_does_not_admit_has_no_log_in(
    visit: Any, provider: FakeProvider, accountd: Any, error: ErrorCode
) -> None:
    accountd.refuse(error)
    assert visit.raw(provider.log_in(begun(visit), "mdupond")).status_code == 400
    assert not entered(visit)
    accountd.answer = client.UnavailableError("away")
    assert visit.raw(provider.log_in(begun(visit), "mdupond")).status_code == 303
    assert entered(visit)
