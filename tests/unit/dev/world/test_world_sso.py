"""The lab's provider of another house: a whole log-in, tokens that the platform believes by its fact, and refusals."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.academie.malleposte.plugins.module_utils import sign_on
from authlib.jose import JsonWebKey
from malleposte.accountd.proof import NoLogInError, Proofs, Provider
from malleposte.dev.world import world_sso

from tests.stack.support.another import fact

ISSUER, PASSWORD, TOKEN = "https://identite.test:8444/realms/academie", "un-mot", "un-jeton"
KEY = str(JsonWebKey.generate_key("EC", "P-256", is_private=True).as_pem(is_private=True), "ascii")
BACK, AFTER = "https://webmail.test/index.php/login/oauth", "https://webmail.test/"
SECRET = "secret-de-roundcube-assez-long"
CLIENTS = {
    name: {"secret": SECRET, "back": [BACK], "after": [AFTER]} for name in ("portail-ac", "roundcube-ac", "sogo-ac")
}
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASKED = {
    "response_type": "code",
    "client_id": "roundcube-ac",
    "redirect_uri": BACK,
    "scope": "openid courriel",
    "state": "un-etat",
    "nonce": "un-nonce",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


@dataclass
class Browser:
    """One visitor of the provider, and the service that asks it for tokens."""

    port: int
    cookie: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, page: str, body: str = "", **headers: str) -> tuple[int, str]:
        """Status and body."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            sent = {"Cookie": f"{world_sso.COOKIE}={self.cookie}", **headers}
            link.request(method, f"/realms/academie/{page}", body or None, sent)
            answer = link.getresponse()
            self.headers = dict(answer.getheaders())
            kept = self.headers.get("Set-Cookie", "")
            self.cookie = kept.partition(";")[0].partition("=")[2] or self.cookie
            return answer.status, answer.read().decode()
        finally:
            link.close()

    def log_in(self, user: str = "mdupond", password: str = PASSWORD, code: str = "", **changed: str) -> dict[str, str]:
        """Fill in the form; the parameters of the way back, none where there is none."""
        page = f"authorize?{urllib.parse.urlencode(ASKED | changed)}"
        self.ask("POST", page, urllib.parse.urlencode({"user": user, "password": password, "code": code}))
        return self.returned

    @property
    def returned(self) -> dict[str, str]:
        where = self.headers.get("Location", "")
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(where).query))

    def tokens(self, **changed: str) -> tuple[int, dict[str, Any]]:
        """The answer to a service at the end point of tokens."""
        asked = {"grant_type": "authorization_code", "redirect_uri": BACK, "code_verifier": VERIFIER,
                 "client_id": "roundcube-ac", "client_secret": SECRET} | changed  # fmt: skip
        status, told = self.ask("POST", "token", urllib.parse.urlencode(asked))
        return status, json.loads(told)


@pytest.fixture
def browser() -> Iterator[Browser]:
    provider = world_sso.Provider(world_sso.Config(ISSUER, CLIENTS, PASSWORD, TOKEN, KEY))
    with world_sso.Server(("127.0.0.1", 0), provider, None) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield Browser(server.server_port)
        server.shutdown()
        thread.join()


def believing(*clients: str, scope: str) -> Proofs:
    """The beliefs of a program of the platform, by the fact that the stack tests set."""
    said = fact(ISSUER, KEY, dict.fromkeys(CLIENTS, SECRET))
    assert list(sign_on.faults(said)) == []
    told = {"issuer": said["issuer"], "uid_claim": said["uid_claim"], "keys": sign_on.keys(said),
            "scope": scope, "clients": dict.fromkeys(clients, said["audience"])}  # fmt: skip
    return Proofs(Provider(**told, **sign_on.described(said)["proof"]))


def test_a_log_in_gives_tokens_that_the_platform_believes(browser: Browser) -> None:
    assert json.loads(browser.ask("GET", ".well-known/openid-configuration")[1])["issuer"] == ISSUER
    back = browser.log_in()
    assert back["state"] == "un-etat"
    status, told = browser.tokens(code=back["code"])
    assert status == 200
    mail = believing("roundcube-ac", "sogo-ac", scope="courriel")
    assert mail.uid(told["access_token"]) == "mdupond"
    with pytest.raises(NoLogInError):
        mail.uid(told["id_token"])
    with pytest.raises(NoLogInError, match="another service"):
        believing("portail-ac", scope="openid").uid(told["access_token"])
    status, again = browser.tokens(grant_type="refresh_token", refresh_token=told["refresh_token"])
    assert status == 200 and mail.uid(again["access_token"]) == "mdupond"
    assert browser.tokens(grant_type="refresh_token", refresh_token=told["refresh_token"])[0] == 400, "each once"


def test_a_code_at_the_log_in_is_a_second_factor(browser: Browser) -> None:
    proofs = believing("portail-ac", scope="openid")
    asked = {"client_id": "portail-ac", "scope": "openid"}
    for code, factor in (("", False), ("123456", True)):
        back = browser.log_in(code=code, **asked)
        _status, told = browser.tokens(code=back["code"], client_id="portail-ac")
        proved = proofs.proved(told["access_token"])
        assert (proved.by_factor, proved.lately) == (factor, factor)


def test_a_browser_that_is_known_is_not_asked_again_unless_the_service_wants_it(browser: Browser) -> None:
    browser.log_in()
    page = f"authorize?{urllib.parse.urlencode(ASKED)}"
    assert browser.ask("GET", page)[0] == 302 and "code" in browser.returned
    status, text = browser.ask("GET", f"{page}&prompt=login")
    assert status == 200 and "<form" in text
    assert browser.ask("GET", f"logout?post_logout_redirect_uri={AFTER}")[0] == 302
    assert browser.headers["Location"] == AFTER
    assert browser.ask("GET", page)[0] == 200
    assert browser.ask("GET", "logout?post_logout_redirect_uri=https://ailleurs.test/")[0] == 200


def test_what_is_wrong_gets_no_token(browser: Browser) -> None:
    assert browser.log_in(password="autre") == {}
    assert browser.log_in(redirect_uri="https://ailleurs.test/") == {}
    good = browser.log_in()["code"]
    assert browser.tokens(code=good, client_secret="autre") == (401, {"error": "invalid_client"})
    for wrong in ({"code_verifier": "w" * 43}, {"code": "x"}, {"redirect_uri": AFTER}, {"client_id": "sogo-ac"}):
        code = browser.log_in()["code"]
        assert browser.tokens(**({"code": code} | wrong)) == (400, {"error": "invalid_grant"}), wrong
    status, _told = browser.tokens(code=good)
    assert status == 200


def test_tests_have_any_claims_signed_and_nobody_else(browser: Browser) -> None:
    body = json.dumps({"claims": {"iss": "https://autre.test/"}, "head": {"typ": "at+jwt"}})
    status, told = browser.ask("POST", "mint", body, Authorization=f"Bearer {TOKEN}")
    assert status == 200
    head = json.loads(base64.urlsafe_b64decode(json.loads(told)["token"].partition(".")[0] + "=="))
    assert head == {"alg": "ES256", "typ": "at+jwt", "kid": world_sso.KID}
    assert browser.ask("POST", "mint", body, Authorization="Bearer x")[0] == 401
    back = browser.log_in()
    _status, held = browser.tokens(code=back["code"])
    assert browser.ask("POST", "end", "{}", Authorization=f"Bearer {TOKEN}")[0] == 200
    assert browser.tokens(grant_type="refresh_token", refresh_token=held["refresh_token"])[0] == 400


def test_usage() -> None:
    assert world_sso.main([]) == world_sso.main(["port"]) == 2
