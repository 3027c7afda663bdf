"""The academy's rule on forwards to outside, where it refuses them: by every script, and told in both webmails."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from malleposte import playbook

from tests.stack.support.groupware import Groupware
from tests.stack.support.mail import FOREIGN, compose, token
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site
from tests.stack.support.webmail import Webmail

SENDER, AWAY = f"probe@{FOREIGN}", f"test@{FOREIGN}"
SWITCH = "var forwardConstraints = "
FORWARDS = {"_task": "settings", "_action": "plugin.managesieve-forward"}


def deploy(site: Site, **facts: Any) -> None:
    hosts = ",".join(sorted({site.host_of("mail"), site.host_of("web")}))
    options = playbook.Options(site.inventory, limit=hosts, tags="rspamd,roundcube,sogo", extra=(json.dumps(facts),))
    report = playbook.run(options, to_stderr=True, name="test-forwards")
    assert report.code == 0, report.cause


@pytest.fixture(scope="module", autouse=True)
def refusing(site: Site) -> Iterator[None]:
    try:
        deploy(site, malleposte_mail={"forward_outside": "refused"})
        yield
    finally:
        deploy(site)


def filtered(mail: Any, who: Account, text: str, script: str = "roundcube") -> str:
    """A filter in force, and mail from outside that it acts on; the subject."""
    filters = mail.sieve(who)
    filters.put(script, text)
    filters.activate(script)
    subject = token()
    mail.foreign(SENDER, who.mail, compose(SENDER, who.mail, subject))
    return subject


@pytest.mark.parametrize("script", ["roundcube", "sogo", "ancien"])
def test_a_forward_stays_in_the_inbox_and_one_within_leaves(mail: Any, people: People, site: Site, script: str) -> None:
    reader, colleague = people.agent(), people.agent()
    within = filtered(mail, reader, f'redirect "{colleague.mail}";\n', script)
    assert mail.arrived(colleague, within)
    assert mail.count(reader, within) == 0
    outside = filtered(mail, reader, f'redirect "{AWAY}";\n', script)
    assert mail.arrived(reader, outside)
    both = filtered(mail, reader, f'redirect "{colleague.mail}";\nredirect "{AWAY}";\n', script)
    assert mail.arrived(colleague, both) and mail.arrived(reader, both)
    there = f"grep -rlF -e {outside} -e {both} /srv/world-mail/{FOREIGN}/test/Maildir"
    assert site.run("world", there, check=False) == ""


def test_an_answer_of_absence_leaves(mail: Any, people: People) -> None:
    word = token()
    filtered(mail, people.agent(), f'require "vacation";\nvacation :days 1 :subject "{word}" "Absent.";\n')
    assert b"Absent." in mail.at_foreign("probe", word)


def test_both_webmails_tell_the_rule(
    people: People, webmail: Callable[[], Webmail], site: Site, ca_bundle: Path
) -> None:
    agent, here = people.agent(), webmail()
    assert here.login(agent.uid, agent.password)
    told = here.page(**FORWARDS)
    assert f"seulement vers une adresse en @{site.platform['domain']}" in told
    sogo = Groupware(site, ca_bundle, people.agent(profile="convergence")).login()
    assert f"{SWITCH}1;" in sogo.get(sogo.own("preferences")).text
    assert "mp-forwards" in sogo.get("/SOGo.woa/WebServerResources/js/malleposte.js").text


def test_a_rule_that_only_asks_is_told_and_lets_forwards_leave(
    mail: Any, people: People, webmail: Callable[[], Webmail], site: Site, ca_bundle: Path
) -> None:
    deploy(site, malleposte_mail={"forward_outside": "discouraged"})
    agent, here = people.agent(), webmail()
    assert here.login(agent.uid, agent.password)
    assert "demande de ne pas renvoyer" in here.page(**FORWARDS)
    sogo = Groupware(site, ca_bundle, people.agent(profile="convergence")).login()
    assert f"{SWITCH}0;" in sogo.get(sogo.own("preferences")).text
    outside = filtered(mail, agent, f'redirect "{AWAY}";\n')
    assert mail.at_foreign("test", outside)
