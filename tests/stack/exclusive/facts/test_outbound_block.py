"""Outbound limits on a host: an account over its limit is blocked at once; some accounts have limits of their own."""

import json
from typing import Any

import pytest

from tests.stack.support.mail import compose, token, wait_for
from tests.stack.support.people import People, directory
from tests.stack.support.site import Account, Site

from .conftest import RESTRICTED

pytestmark = pytest.mark.full

NOWHERE = "nulle-part.test"


def state(site: Site, who: Account) -> list[str]:
    with directory(site) as bound:
        (entry,) = bound.search("people", ["mpState"], {"uid": who.uid})
    return entry.attributes["mpState"]


def write(mail: Any, who: Account, count: int) -> None:
    """One message to so many; where these are supposed to be, nobody is."""
    message = compose(who.mail, f"a@{NOWHERE}", token())
    with mail.session(who) as session:
        assert session.sendmail(who.mail, [f"a{number}@{NOWHERE}" for number in range(count)], message) == {}


def test_who_writes_to_more_than_allowed_is_blocked_and_told_of(site: Site, mail: Any, people: People) -> None:
    restricted, other = people.agent(uid=RESTRICTED), people.agent()
    write(mail, other, 4)
    write(mail, restricted, 3)
    held = ("malleposte", "queue", "held", restricted.uid, "--json")
    assert json.loads(site.run("mail1", *held)) == []
    write(mail, restricted, 1)
    assert wait_for(lambda: state(site, restricted) == ["blocked"], timeout=120)
    assert state(site, other) == ["active"], "the same mail, with the limits of the class"
    assert len(json.loads(site.run("mail1", *held))) == 1
    told = "journalctl -q -o cat -u 'malleposte-outbound@*' --since=-10min"
    assert f"{restricted.uid}: not blocked" not in site.run("mail1", told)
    site.run("mail1", "malleposte", "queue", "drop", restricted.uid, "--yes")
