"""A log-out, and the end of a log-in, while the webmails cannot be told of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.log_outs import LogIn
from tests.stack.support.provider import returned
from tests.stack.support.site import Account, Site
from tests.stack.support.web import Web

pytestmark = pytest.mark.rings("UnitInactive")

UNITS = "dav-router.socket dav-router.service"


@pytest.fixture
def agent(people: Any) -> Account:
    found: Account = people.agent(profile="convergence")
    return found


@pytest.fixture
def opened(site: Site, web: Web, ca_bundle: Path, agent: Account) -> LogIn:
    return LogIn(site, web, ca_bundle, agent)


@pytest.fixture
def untold(site: Site) -> Iterator[None]:
    """Nobody takes what the provider tells the webmails."""
    host = site.host_of("web")
    site.run(host, f"systemctl stop {UNITS}")
    yield
    site.run(host, f"systemctl start {UNITS}")


def test_a_log_out_is_done_though_no_webmail_can_be_told(site: Site, webmail: Any, people: Any, untold: None) -> None:
    agent, here = people.agent(), webmail()
    assert here.login(agent.uid, agent.password)
    assert "code" in returned(here.sso.ask(here.sso.authorize()))
    where = here.ask(f"/?_task=logout&_token={here.token}").headers["Location"]
    answer = here.sso.ask(where.removeprefix(f"https://{here.sso.name}"))
    assert (answer.status, answer.headers["Location"]) == (302, f"https://{here.name}/")
    assert "code" not in returned(here.sso.ask(here.sso.authorize())), "the log-in is over"


def test_an_operator_ends_log_ins_and_reads_which_webmails_were_not_told(
    site: Site, agent: Account, opened: LogIn, untold: None
) -> None:
    done = Cli(site).typed("sessions", "end", agent.uid, "--reason", "essai", "--json", group="sso")
    told = json.loads(done.stdout)["hosts"]["pia1"]
    assert (done.returncode, told) == (4, {"ended": 1, "not_told": ["roundcube", "sogo"]})
    assert "code" not in returned(opened.portal.provider.ask(opened.portal.provider.authorize()))
    assert opened.portal.ask("/compte").status != 200, "the others are told"
