"""Log-outs of which the provider tells the webmails: each wrong token beside the right one."""

import asyncio
import base64
import hmac
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from authlib.jose import JsonWebKey, JsonWebToken
from malleposte.accountd.proof import LEEWAY
from malleposte.accountd.relying_party import EVENT, OLDEST, RelyingParty
from malleposte.daemons.dav_router.log_out import LogOuts
from malleposte.daemons.dav_router.sessions import Session, Sessions
from malleposte.runtime.http import Answer, Request

from tests.support.provider import SECRET, FakeProvider
from tests.support.tokens import ISSUER, Minter, made_key, public

NOW = 1_900_000_000
MINTER = Minter(clock=lambda: NOW)
SESSION = Session("mdupond", "jeton", "nouveau", "identite", 4e9, "a+/b")


def claims(**changed: Any) -> dict[str, Any]:
    """The claims of a log-out token as LemonLDAP::NG makes it, for SOGo; what is None is left out."""
    whole: dict[str, Any] = {
        "iss": ISSUER, "aud": ["sogo"], "iat": NOW, "jti": "J", "events": {EVENT: {}}, "sub": "mdupond",
        "sid": SESSION.sid,
    }  # fmt: skip
    return {name: value for name, value in (whole | changed).items() if value is not None}


def token(**changed: Any) -> str:
    return MINTER.sign(claims(**changed), typ="JWT")


class Front:
    """The webmails' front, with one session at SOGo."""

    def __init__(self, folder: Path) -> None:
        self.sessions = Sessions(folder, 60)
        self.now = float(NOW)
        self.provider = FakeProvider(lambda: self.now)
        ours = RelyingParty(ISSUER, "sogo", SECRET, http=self.provider.mount, clock=lambda: self.now)
        self.outs = LogOuts(ours, {"sogo": "sogo", "roundcube": "webmail"}, self.sessions)
        self.cookie = self.sessions.open(SESSION)

    def post(self, given: str, webmail: str = "sogo", method: str = "POST") -> Answer:
        return asyncio.run(self.outs.respond(webmail, Request(method, f"/ended/{webmail}", {}, given.encode())))

    def told(self, logout_token: str, webmail: str = "sogo") -> Answer:
        return self.post(urlencode({"logout_token": logout_token}), webmail)

    @property
    def open(self) -> bool:
        return self.sessions.find(self.cookie) is not None


@pytest.fixture
def front(tmp_path: Path) -> Front:
    return Front(tmp_path)


@pytest.mark.parametrize(
    "changed",
    [
        {}, {"aud": "sogo"}, {"aud": ["autre", "sogo"]}, {"exp": NOW + 120}, {"sub": None}, {"iat": NOW - OLDEST},
        {"iat": NOW + LEEWAY},
    ],
    ids=str,
)  # fmt: skip
def test_a_log_out_ends_the_session(front: Front, changed: dict[str, Any]) -> None:
    assert front.open
    assert front.told(token(**changed)) == (200, ["Cache-Control: no-store"], b"")
    assert not front.open


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://autre.test/"}, {"iss": None}, {"aud": ["webmail"]}, {"aud": None}, {"aud": []},
        {"iat": NOW - OLDEST - 1}, {"iat": NOW + LEEWAY + 1}, {"iat": None}, {"iat": "hier"}, {"iat": True},
        {"exp": NOW - LEEWAY - 1}, {"nonce": "n"}, {"nonce": ""}, {"events": None}, {"events": {}},
        {"events": {"autre": {}}}, {"events": [EVENT]}, {"events": EVENT}, {"events": {EVENT: 1}}, {"sid": None},
        {"sid": ""}, {"sid": [SESSION.sid]},
    ],
    ids=str,
)  # fmt: skip
def test_any_other_token_ends_nothing(front: Front, changed: dict[str, Any]) -> None:
    assert front.told(token(**changed)) == (400, ["Cache-Control: no-store"], b"")
    assert front.open
    assert front.told(token())[0] == 200
    assert not front.open


def by_secret() -> str:
    """A token that is signed by the public key, taken for a secret (HS256)."""
    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "HS256", "kid": MINTER.kid}, claims())
    )
    sealed = hmac.digest(public(made_key()).encode(), f"{head}.{body}".encode(), "sha256")
    return f"{head}.{body}.{base64.urlsafe_b64encode(sealed).rstrip(b'=').decode()}"


def unsigned() -> str:
    return str(JsonWebToken(["none"]).encode({"alg": "none", "kid": MINTER.kid}, claims(), None), "ascii")


def test_a_signature_that_is_not_the_provider_s_ends_nothing(front: Front) -> None:
    head, body, signature = token().split(".")
    another = JsonWebKey.generate_key("RSA", 2048, is_private=True).as_pem(is_private=True).decode()
    changed = token(sid="autre").split(".")[1]
    for wrong in (
        f"{head}.{body}.", f"{head}.{body}", f"{head}.{body}.{signature[::-1]}", f"{head}.{changed}.{signature}",
        unsigned(), by_secret(), Minter(key=another).sign(claims()), MINTER.sign(claims(), algorithm="RS512"), "x",
        "a.b.c",
    ):  # fmt: skip
        assert front.told(wrong)[0] == 400, wrong
        assert front.open
    assert front.told(token())[0] == 200
    assert not front.open


def test_strangers_do_not_have_the_keys_asked_for_each_time(front: Front) -> None:
    assert front.told(token(sid="autre"))[0] == 200
    stranger = Minter(clock=lambda: NOW, kid="inconnue")
    for seconds, asked in ((0, 1), (9, 1), (10, 2), (19, 2)):
        front.now = NOW + seconds
        assert front.told(stranger.sign(claims(), typ="JWT"))[0] == 400
        assert front.provider.keys_asked == asked, seconds
    front.provider.kid = "inconnue"
    front.now = NOW + 20
    assert front.told(stranger.sign(claims(), typ="JWT"))[0] == 200, "the provider has a new key"
    assert not front.open


def test_a_provider_that_is_away_is_to_tell_again(front: Front) -> None:
    front.provider.away = True
    assert front.told(token())[0] == 503
    assert front.open
    front.provider.away = False
    assert front.told(token())[0] == 200
    assert not front.open


def test_an_access_token_and_an_identity_token_are_no_log_out(front: Front) -> None:
    access = MINTER.access("mdupond", aud=["sogo"], client_id="sogo", sid=SESSION.sid)
    identity = MINTER.sign(claims(events=None, nonce="n", exp=NOW + 300), typ="JWT")
    for other in (access, identity):
        assert front.told(other)[0] == 400
        assert front.open


def test_another_log_in_of_the_agent_goes_on(front: Front) -> None:
    assert front.told(token(sid="autre"))[0] == 200
    assert front.open


@pytest.mark.parametrize("body", ["", "logout_token", "jeton={}", "logout_token={}&logout_token={}", "é"])
def test_what_bears_no_token_is_refused(front: Front, body: str) -> None:
    assert front.post(body.format(token(), token()))[0] == 400
    assert front.open


def test_it_is_posted(front: Front) -> None:
    status, told, _body = front.post(urlencode({"logout_token": token()}), method="GET")
    assert (status, told) == (405, ["Cache-Control: no-store", "Allow: POST"])
    assert front.open


def test_roundcube_is_asked_for_the_session_that_was_proved(front: Front) -> None:
    status, told, body = front.told(token(aud=["webmail"]), "roundcube")
    assert (status, body, told[0]) == (200, b"", "Cache-Control: no-store")
    name, where = told[1].split(": ")
    assert name == "X-Accel-Redirect"
    assert urlsplit(where).path == "/_ended"
    assert parse_qs(urlsplit(where).query) == {"sid": [SESSION.sid]}
    assert front.open, "SOGo's own sessions are told of by another token"


def test_each_address_takes_tokens_for_its_own_webmail(front: Front) -> None:
    for webmail in ("sogo", "roundcube"):
        for audience, status in (("sogo", 200), ("webmail", 200), ("portail", 400)):
            right = {"sogo": "sogo", "roundcube": "webmail"}[webmail] == audience
            assert front.told(token(aud=[audience]), webmail)[0] == (status if right else 400)
    assert front.told(token(), "autre")[0] == 404


@pytest.mark.parametrize("cut", ["", "{", "[]", '{"uid": "zoe"}'])
def test_a_session_that_was_cut_off_opens_nothing_and_hides_no_other(front: Front, cut: str) -> None:
    other = front.sessions.open(replace(SESSION, uid="anne"))
    broken = front.sessions.path(other)
    assert broken is not None
    broken.write_text(cut)
    assert front.sessions.find(other) is None
    broken.write_text(cut)
    front.sessions.end_all(SESSION.sid)
    assert front.sessions.find(front.cookie) is None
