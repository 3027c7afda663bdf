"""No secret lies in a journal, a log or a process of any host, nor in a log of the controller.

Secrets are those of the inventory, and the passwords and codes that the tests typed on this lab up to now: the gate
runs this file on the first lab, right after the shared lane.
"""

from collections.abc import Iterator

import pytest
from malleposte.core.paths import VAR
from malleposte.policy import rules
from malleposte.probe.walker.plan import Plan

from tests.stack.support import leaks, typed_secrets
from tests.stack.support.dav import Device
from tests.stack.support.devices import Ways
from tests.stack.support.mail import Mail
from tests.stack.support.people import People
from tests.stack.support.provider import Provider
from tests.stack.support.site import Account, Site
from tests.stack.support.web import Web

HOSTS = ("mail1", "pia1", "vault1", "vault2", "world")


@pytest.fixture(scope="module")
def agent(site: Site, plan: Plan, web: Web) -> Iterator[Account]:
    """An agent who logs in by the page and as mail programs do, with the password and with a wrong one."""
    people, mail = People(site), Mail(site, plan)
    who, wrong = people.agent(), rules.generate()
    ways = Ways(mail, Device, who)
    for password, right in ((wrong, False), (who.password, True)):
        assert [ways.opens(scope, password) for scope in ("imap", "smtp", "sieve")] == [right] * 3
        page = Provider(site, web)
        page.log_in(who.uid, password)
        assert page.entered == right
    yield who
    mail.close()
    people.clear()


@pytest.fixture(scope="module")
def sought(site: Site, agent: Account) -> Iterator[leaks.Needles]:
    found = leaks.needles(site.folder / "secrets")
    for wanted in ("rspamd-write", "digest-key-k1", "accounts.json"):
        assert wanted in found.values()
    assert any(name.startswith("dkim-") for name in found.values())
    typed = leaks.given(typed_secrets.kept())
    assert agent.password in typed
    yield leaks.Needles({**found, **typed})
    typed_secrets.forget()


@pytest.mark.parametrize("name", HOSTS)
def test_no_journal_log_or_process_of_a_host_holds_a_secret(site: Site, name: str, sought: leaks.Needles) -> None:
    assert leaks.on_host(site, name, sought) == []


def test_no_log_of_the_controller_holds_a_secret(sought: leaks.Needles) -> None:
    logs = VAR / "log"
    mark = "$ " + next(path for path in sorted(logs.rglob("*")) if path.is_file()).read_text("utf-8", "replace")[:200]
    assert leaks.in_folder(logs, {mark[2:]: "the mark"}) != []
    assert leaks.in_folder(logs, sought) == []
