"""Log-outs of which the provider tells the webmails (Back-Channel Logout): its own word alone ends a session."""

from __future__ import annotations

import json
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from malleposte.accountd.log_out import EVENT

from tests.stack.support.ends import SOGO_SESSIONS
from tests.stack.support.groupware import Groupware
from tests.stack.support.log_outs import ADDRESS, posted, roundcube_sid, sogo_sid, told
from tests.stack.support.mail import wait_for
from tests.stack.support.signed_on import SignedOn
from tests.stack.support.site import Site
from tests.stack.support.tokens import Forge, of_roundcube, part
from tests.stack.support.web import Web


@dataclass
class Left:
    """A webmail in which an agent is, and the tokens that could end that."""

    host: str
    inside: Callable[[], bool]
    forge: Forge


def forge(site: Site, like: str, client: str, sid: str, uid: str) -> Forge:
    """Log-out tokens as the provider makes them; `like` is one of its tokens."""
    content = {"aud": [client], "sub": uid, "sid": sid, "iat": int(time.time()), "jti": "J", "events": {EVENT: {}}}
    return Forge(site, part(like, 0) | {"typ": "JWT"}, content | {"iss": part(like, 1)["iss"]})


@pytest.fixture(params=["roundcube", "sogo"])
def left(request: pytest.FixtureRequest, site: Site, web: Web, webmail: Any, people: Any, ca_bundle: Path) -> Left:
    if request.param == "sogo":
        agent = people.agent(profile="convergence")
        here = Groupware(site, ca_bundle, agent).login()
        held = json.loads(site.run(site.host_of("web"), f"cat {SOGO_SESSIONS}/{here.session_file}"))
        made = forge(site, held["identity"], "sogo", sogo_sid(site, agent.uid), agent.uid)
        return Left("groupware", lambda: here.inside, made)
    agent, there = people.agent(), webmail()
    assert there.login(agent.uid, agent.password)
    like = of_roundcube(site, web, agent)["id_token"]
    return Left(
        "webmail", lambda: there.inside, forge(site, like, "roundcube", roundcube_sid(site, agent.uid), agent.uid)
    )


def wrong(left: Left) -> dict[str, str]:
    """Tokens that must end nothing, by what is wrong with them."""
    made = left.forge.forged()
    # These say nothing of a log-out token: it has no scope, and names of keys are hints where each is tried.
    for other in (
        "without the scope", "with no scope at all", "of nobody", "of an unknown key", "of a key by its path",
    ):  # fmt: skip
        del made[other]
    return made | {
        "for the portal": left.forge.ours(aud=["portail"]),
        "for the other webmail": left.forge.ours(aud=[{"webmail": "sogo", "groupware": "roundcube"}[left.host]]),
        "of long ago": left.forge.ours(iat=int(time.time()) - 3600),
        "with a nonce": left.forge.ours(nonce="n"),
        "without the event": left.forge.ours(events={}),
        "without a session": left.forge.ours(sid=None),
        "none": "",
    }


def test_only_the_provider_s_own_word_ends_a_session(site: Site, web: Web, left: Left) -> None:
    assert left.inside()
    seen = {about: told(site, web, left.host, token) for about, token in wrong(left).items()}
    assert seen == dict.fromkeys(seen, 400)
    assert left.inside()
    assert told(site, web, left.host, left.forge.ours(sid="autre")) == 200, "it tells of another log-in"
    assert left.inside()
    assert told(site, web, left.host, left.forge.ours()) == 200
    wait_for(lambda: not left.inside(), 5, "the session still opens")


def test_the_address_opens_nothing_else(site: Site, web: Web, left: Left) -> None:
    sid = urllib.parse.urlencode({"sid": left.forge.content["sid"]})
    for path in (f"/_ended?{sid}", f"/plugins/malleposte/ended.php?{sid}", f"{ADDRESS}/x", f"/ended/sogo?{sid}"):
        assert posted(site, web, left.host, path, sid.encode()).status in (403, 404), path
    assert posted(site, web, left.host, ADDRESS, None).status == 405
    assert posted(site, web, left.host, ADDRESS, b"logout_token=" + b"a" * 20_000).status == 413
    assert left.inside()


def test_a_log_out_of_the_portal_ends_both_webmails_of_that_log_in(
    site: Site, web: Web, webmail: Any, people: Any, ca_bundle: Path
) -> None:
    agent = people.agent(profile="convergence")
    visitor, light = SignedOn(site, web), webmail()
    visitor.log_in(agent.uid, agent.password)
    light.sso = visitor.provider
    assert light.enter(light.back(light.sso.ask(light.leave("/?_interface=legere"))))
    full = Groupware(site, ca_bundle, agent, sso_cookies=visitor.provider.cookies)
    assert full.get(full.back(full.provider(full.leave()))).status == 302
    elsewhere = Groupware(site, ca_bundle, agent).login()
    assert [light.inside, full.inside, elsewhere.inside] == [True] * 3
    assert visitor.press("/", "/deconnexion").all("h1")[0][1] == "Vous êtes déconnecté"
    wait_for(lambda: not light.inside and not full.inside, 5, "a webmail still opens")
    assert elsewhere.inside, "another log-in goes on"
