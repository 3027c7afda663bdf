"""The nightly job warns an agent before the password expires, once, and then expires the account."""

import email
import email.policy
import json
from typing import Any

from tests.stack.support.passwords import age
from tests.stack.support.people import People, directory
from tests.stack.support.site import Site


def test_the_agent_is_warned_once_and_then_expires(site: Site, mail: Any, platform: dict[str, Any]) -> None:
    """The night's step: a message in French and English, one for each warning; at the end the state says it."""
    host, people = site.host_of("directory"), People(site)
    night = "malleposte accounts nightly --step renew --json"

    def done() -> list[str]:
        (told,) = json.loads(site.run(host, night))
        assert told["failures"] == []
        return [line for line in told["done"] if line.startswith(f"{who.uid}:")]

    try:
        who = people.agent(hidden=False)
        dn = f"uid={who.uid},ou=people,{site.place.suffix}"
        assert done() == []
        age(site, dn, platform["password_policy"]["renewal_days"] - 10)
        assert (done(), done()) == ([f"{who.uid}:warn"], [])
        told = email.message_from_bytes(mail.arrived(who, "Password to renew"), policy=email.policy.default)
        text = told.get_content()
        assert "Votre mot de passe" in told["Subject"]
        assert f"https://{platform['hostnames']['portal']}/motdepasse" in text
        assert "jamais votre mot de passe" in text
        assert mail.count(who, "Password to renew") == 1
        age(site, dn, platform["password_policy"]["renewal_days"] + 1)
        assert (done(), done()) == ([f"{who.uid}:expire"], [])
        with directory(site) as bound:
            (entry,) = bound.search("people", ["mpState"], {"uid": who.uid})
        assert entry.attributes["mpState"] == ["expired"]
    finally:
        people.clear()
