"""An open session of Roundcube goes on after what is behind it was restarted."""

from typing import Any

import pytest

from tests.stack.support.mail import compose, token, wait_for
from tests.stack.support.site import Site


@pytest.mark.parametrize(("group", "unit"), [("web", "php8.4-fpm.service"), ("database", "postgresql@17-main.service")])
def test_an_open_session_goes_on(agent: Any, mail: Any, site: Site, group: str, unit: str) -> None:
    account, here = agent
    first, second = token(), token()
    mail.imap(account).append("INBOX", None, None, compose("a@lointain.test", account.mail, first))
    assert first in here.list()
    known = dict(here.cookies)
    host = site.host_of(group)
    old = site.run(host, f"systemctl show -P MainPID {unit}")
    site.run(host, f"systemctl restart {unit}")
    wait_for(lambda: site.run(host, f"systemctl is-active {unit}", check=False).strip() == "active")
    assert site.run(host, f"systemctl show -P MainPID {unit}") != old
    mail.imap(account).append("INBOX", None, None, compose("a@lointain.test", account.mail, second))
    assert second in here.list(), "the next request is served"
    assert here.cookies == known and here.inside, "and nobody logged in again"
