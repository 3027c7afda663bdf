"""Passwords proved for the log-in page: by accountd, with the delays of the agent's address."""

import json
import secrets
from typing import Any

import pytest
from malleposte.accountd.calls import passwords
from malleposte.accountd.calls.protection import Block
from malleposte.accountd.message import Done, ErrorCode, Refused
from malleposte.policy import rules

from tests.stack.support.portal import Portal
from tests.stack.support.site import Site
from tests.stack.support.sso import proved


@pytest.fixture
def here() -> str:
    """An address of a network that no other test has."""
    return f"10.{secrets.randbelow(256)}.{secrets.randbelow(256)}.9"


def test_by_any_name_and_no_other_password(site: Site, person: Any, here: str) -> None:
    who = person()
    right, uid = who.account.password, (200, {"uid": who.uid})
    names = [(here, name, right) for name in (who.uid, who.account.mail.upper())]
    assert proved(site, *names) == [uid, uid]
    assert proved(site, (here, who.uid, rules.generate()), (here, "nul-ne-porte-ce-nom", right)) == [(200, {})] * 2


def test_its_secret_opens_no_other_call(site: Site, person: Any, here: str) -> None:
    who = person()
    held = json.loads(site.run("pia1", "cat", "/etc/malleposte/sso-prove.json"))["accountd"]
    mine = {"name": held["name"], "secret": held["secret"]}
    portal = Portal(site)
    prove = passwords.Prove(here, who.uid, who.account.password)
    block = Block(here, who.uid, portal.token(who.uid), "essai")
    assert portal.ask(prove, block, **mine) == [
        Done(who.uid, "active"),
        Refused(ErrorCode.UNAUTHORISED),
    ]
    assert who.held("mpState") == {"mpState": ["active"]}


def test_only_the_log_in_page_may_ask(site: Site, here: str) -> None:
    assert proved(site, (here, "nul-ne-porte-ce-nom", "x")) == [(200, {})]
    with pytest.raises(AssertionError, match="Permission denied"):
        proved(site, (here, "nul-ne-porte-ce-nom", "x"), user="portal")
