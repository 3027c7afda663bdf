"""A log-out while the webmails cannot be told of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.stack.support.provider import returned
from tests.stack.support.site import Site

UNITS = "dav-router.socket dav-router.service"


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
