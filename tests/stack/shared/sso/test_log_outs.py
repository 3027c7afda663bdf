"""Log-outs of which the provider tells the webmails (Back-Channel Logout): its own word alone ends a session."""

import json
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from malleposte.accountd.calls.log_ins import EndLogIn, ShowLogIns
from malleposte.accountd.message import Done
from malleposte.accountd.relying_party import EVENT

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.ends import SOGO_SESSIONS
from tests.stack.support.groupware import Groupware
from tests.stack.support.log_outs import (
    ADDRESS,
    ALL_OPEN,
    NONE_OPEN,
    LogIn,
    posted,
    roundcube_sid,
    sogo_sid,
    told,
)
from tests.stack.support.mail import wait_for
from tests.stack.support.portal import Portal
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
    site: Site, web: Web, people: Any, ca_bundle: Path
) -> None:
    agent = people.agent(profile="convergence")
    here, elsewhere = (LogIn(site, web, ca_bundle, agent) for _ in range(2))
    assert here.portal.press("/", "/deconnexion").heading == "Vous êtes déconnecté"
    wait_for(lambda: here.open == NONE_OPEN, 5, "a service still opens")
    assert elsewhere.open == ALL_OPEN, "another log-in goes on"


def test_a_log_in_that_its_owner_ends_is_over_at_the_next_request_everywhere(
    site: Site, web: Web, people: Any, ca_bundle: Path
) -> None:
    agent, accountd = people.agent(profile="convergence"), Portal(site)
    token = accountd.token(agent.uid)
    here = LogIn(site, web, ca_bundle, agent)
    (shown,) = accountd.one(ShowLogIns(accountd.source, agent.uid, token)).log_ins
    elsewhere = LogIn(site, web, ca_bundle, agent)
    done = accountd.one(EndLogIn(accountd.source, agent.uid, token, shown.ident))
    assert (here.open, elsewhere.open) == (NONE_OPEN, ALL_OPEN)
    assert done == Done(agent.uid, "active"), "all were told"


@pytest.mark.full
def test_what_an_operator_ends_is_over_at_the_next_request_everywhere(
    site: Site, web: Web, people: Any, ca_bundle: Path
) -> None:
    agent, other = (people.agent(profile="convergence") for _ in range(2))
    first, second, another = (LogIn(site, web, ca_bundle, one) for one in (agent, agent, other))
    done = Cli(site).typed("sessions", "end", agent.uid, "--reason", "essai", "--json", group="sso")
    assert (first.open, second.open, another.open) == (NONE_OPEN, NONE_OPEN, ALL_OPEN)
    assert (done.returncode, json.loads(done.stdout)["hosts"]["pia1"]) == (0, {"ended": 2, "not_told": []})


def test_no_client_of_the_web_front_has_a_log_out_told(site: Site, web: Web) -> None:
    name = str(site.platform["hostnames"]["sso"])
    body = json.dumps([{"client": "sogo", "uid": "a", "sid": "b"}]).encode()
    for path in ("/_ended", "/index.psgi/_ended", "//_ended", "/%5Fended", "/oauth2/../_ended"):
        answer = web.get(
            site.address("pia1"), name, path, method="POST", body=body, Content_Type="application/json",
            MALLEPOSTE_WITHIN="1", Malleposte_Within="1",
        )  # fmt: skip
        assert answer.status == 404, path
