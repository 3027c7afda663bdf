"""Facts by which an academy has its way: no forwards to outside, by any script; signatures of a template."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.stack.support.groupware import Groupware
from tests.stack.support.mail import FOREIGN, compose, token
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site
from tests.stack.support.webmail import Webmail

pytestmark = pytest.mark.full

SENDER, AWAY = f"probe@{FOREIGN}", f"test@{FOREIGN}"
SWITCH = "var forwardConstraints = "
FORWARDS = {"_task": "settings", "_action": "plugin.managesieve-forward"}


def filtered(mail: Any, who: Account, text: str, script: str = "roundcube") -> str:
    """A filter in force, and mail from outside that it acts on; the subject."""
    mail.set_filter(who, script, text)
    subject = token()
    mail.foreign(SENDER, who.mail, compose(SENDER, who.mail, subject))
    return subject


def roundcube(site: Site, sql: str) -> str:
    words = ("runuser", "-u", "roundcube", "--", "psql", "-XAtq", "-h", "/run/postgresql", "roundcube")
    return site.run(site.host_of("web"), *words, given=sql)


def signatures(site: Site, uid: str) -> dict[str, str]:
    """The signature of each identity in Roundcube, by address."""
    found = roundcube(
        site,
        "SELECT json_object_agg(email, coalesce(signature, '')) FROM identities JOIN users USING (user_id)"
        f" WHERE username = '{uid}' AND identities.del = 0",
    )
    return dict(json.loads(found))


@pytest.mark.parametrize(
    "script", ["roundcube", *(pytest.param(one, marks=pytest.mark.full) for one in ("sogo", "ancien"))]
)
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
    assert f"{SWITCH}1;" in sogo.get(sogo.own("Preferences")).text
    assert "mp-forwards" in sogo.get("/SOGo.woa/WebServerResources/js/malleposte.js").text


def test_who_has_no_signature_gets_the_academy_s_once_in_roundcube(
    people: People, webmail: Callable[[], Webmail], site: Site
) -> None:
    uid = f"essai-{token()[2:10]}"
    domain = site.platform["domain"]
    agent = people.agent(uid=uid, addresses=(f"{uid}@{domain}", f"ancien-{uid}@{domain}"), function="CPE")
    box = people.box(uid)
    assert webmail().login(uid, agent.password)
    assert signatures(site, uid) == {
        agent.mail: f"Essai {uid}\nCPE\nStandard : 01",
        f"ancien-{uid}@{domain}": f"Essai {uid}\nCPE\nStandard : 01",
        box.mail: "",
    }
    roundcube(site, f"UPDATE identities SET signature = 'Moi' WHERE email = '{agent.mail}'")
    assert webmail().login(uid, agent.password)
    assert signatures(site, uid)[agent.mail] == "Moi"


def sender(here: Groupware) -> dict[str, Any]:
    """The one sender of an agent, as SOGo's editor has it."""
    page = here.get(here.own("Mail/view")).text
    accounts = re.search(r"var mailAccounts = (\[.*\]);", page)
    assert accounts
    (found,) = json.loads(accounts[1])[0]["identities"]
    return dict(found)


def test_who_has_no_signature_gets_the_academy_s_once_in_sogo(people: People, site: Site, ca_bundle: Path) -> None:
    agent = people.agent(profile="convergence", function="CPE")
    here, host = Groupware(site, ca_bundle, agent).login(), site.host_of("web")
    assert not sender(here).get("signature")
    job = ("systemctl", "start", "malleposte-sogo-sync.service")
    site.run(host, *job)
    assert f"Essai {agent.uid}<br>CPE<br>Standard : 01" in sender(here)["signature"]
    # The agent does without.
    told = here.get(here.own("jsonDefaults")).json()
    told["AuxiliaryMailAccounts"][0]["identities"] = [{**sender(here), "signature": ""}]
    assert here.post(here.own("Preferences/save"), {"defaults": told, "settings": {}}).status == 200
    assert not sender(here).get("signature")
    site.run(host, *job)
    assert not sender(here).get("signature")
