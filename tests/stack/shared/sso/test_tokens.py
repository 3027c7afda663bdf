"""Log-ins to the mail by tokens of the log-in page: what opens, what does not, and what ends them."""

from typing import Any

import pytest
from malleposte.directory.model import State
from malleposte.probe.walker.plan import Plan

from tests.stack.support.site import Site
from tests.stack.support.tokens import MECHANISMS, Bearer, Forge, of_portal, of_roundcube, part, renewed
from tests.stack.support.web import Web


@pytest.fixture
def bearer(plan: Plan) -> Bearer:
    """Log-ins by a token."""
    return Bearer(plan)


@pytest.fixture
def forge(site: Site, web: Web, people: Any) -> Forge:
    """A forge of tokens like those of an agent made for the test."""
    token = of_roundcube(site, web, people.agent())["access_token"]
    return Forge(site, part(token, 0), part(token, 1))


def test_a_token_of_a_real_log_in_opens_every_way(site: Site, web: Web, people: Any, bearer: Bearer) -> None:
    agent = people.agent()
    token = of_roundcube(site, web, agent)["access_token"]
    told = part(token, 1)
    assert told["exp"] - told["iat"] == 300
    # Dovecot 2.4.1 dies of a list in a token that is right, now and then.
    assert [name for name, value in told.items() if isinstance(value, list | dict)] == []
    assert bearer.everywhere(agent.uid, token) == {True}
    assert bearer.smtp(agent.uid, token, service="submissions")
    assert bearer.imap(agent.uid.upper(), token), "a name is lower case"


@pytest.mark.full
def test_a_refreshed_token_opens_too(site: Site, web: Web, people: Any, bearer: Bearer) -> None:
    agent = people.agent()
    first = of_roundcube(site, web, agent)
    status, told = renewed(site, web, first["refresh_token"])
    assert status == 200, told
    assert bearer.imap(agent.uid, told["access_token"])
    status, told = renewed(site, web, first["refresh_token"], client_secret="x" * 32)
    assert status in (400, 401), "and none without the secret of the webmail"


def test_tokens_of_another_service_open_nothing(site: Site, web: Web, people: Any, bearer: Bearer) -> None:
    agent = people.agent()
    mine, other = of_roundcube(site, web, agent), of_portal(site, web, agent)
    assert "mail" in str(part(mine["access_token"], 1)["scope"]).split()
    assert "mail" not in str(part(other["access_token"], 1).get("scope", "")).split(), "asked for, not given"
    assert bearer.everywhere(agent.uid, other["access_token"]) == {False}
    assert bearer.everywhere(agent.uid, mine["id_token"]) == {False}, "it says who somebody is, and opens nothing"
    assert bearer.everywhere(agent.uid, mine["access_token"]) == {True}


@pytest.mark.parametrize("mechanisms", [MECHANISMS[:1], pytest.param(MECHANISMS[1:], marks=pytest.mark.full)])
def test_forged_tokens_open_nothing(bearer: Bearer, forge: Forge, mechanisms: tuple[str, ...]) -> None:
    user = forge.content["sub"]
    assert bearer.imap(user, forge.ours()), "the forge makes tokens that would open"
    opened = [
        (name, one) for name, token in forge.forged().items() for one in mechanisms if bearer.imap(user, token, one)
    ]
    assert opened == []
    assert bearer.everywhere(user, forge.ours()) == {True}, "and nobody waits for what others tried"


def test_a_token_opens_no_other_box(bearer: Bearer, forge: Forge, people: Any) -> None:
    other = people.agent()
    assert bearer.everywhere(other.uid, forge.ours()) == {False}
    assert bearer.everywhere(other.uid, forge.ours(sub=other.uid)) == {True}
    assert not bearer.imap("nul-ne-porte-ce-nom", forge.ours(sub="nul-ne-porte-ce-nom"))


def test_a_box_of_functions_has_no_token(bearer: Bearer, forge: Forge, people: Any) -> None:
    owner = people.agent()
    box = people.box(owner.uid)
    assert bearer.imap(owner.uid, forge.ours(sub=owner.uid))
    assert not bearer.imap(box.uid, forge.ours(sub=box.uid))


@pytest.mark.full
def test_tokens_are_no_guesses(site: Site, bearer: Bearer, forge: Forge, people: Any, enters: Any) -> None:
    agent = people.agent()
    wrong = [forge.ours(sub=agent.uid, exp=1, iat=0, jti=str(number)) for number in range(12)]
    assert not any(bearer.imap(agent.uid, token) for token in wrong)
    assert enters(agent.uid, agent.password), "twelve wrong passwords would have to wait"
    journal = site.run("mail1", f"journalctl -u dovecot -g {agent.uid} -o cat", check=False)
    assert wrong[0].rpartition(".")[2] not in journal


def test_an_expired_account_has_no_token(bearer: Bearer, forge: Forge, people: Any) -> None:
    agent, late = people.agent(), people.agent(state=State.EXPIRED)
    assert bearer.imap(agent.uid, forge.ours(sub=agent.uid))
    assert not bearer.imap(late.uid, forge.ours(sub=late.uid))


def test_keys_are_those_of_the_log_in_page_alone(site: Site, forge: Forge) -> None:
    (key,) = site.run("mail1", "find /etc/dovecot/tokens -type f").split()
    assert key == f"/etc/dovecot/tokens/default/RS256/{forge.head['kid']}"
    assert "PUBLIC KEY" in site.run("mail1", f"cat {key}")
