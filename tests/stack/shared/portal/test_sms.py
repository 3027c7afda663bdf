"""Text messages, from the portal's form to the gateway of the lab's Internet."""

import json
from typing import Any

import pytest
from malleposte.dev.world.world_sms import FAILS, HANGS_UP
from malleposte.policy import rules

from tests.stack.support import leaks, texts
from tests.stack.support.mail import token, wait_for
from tests.stack.support.site import Site
from tests.stack.support.visitor import Visitor

pytestmark = pytest.mark.together("portal-forms")

JOURNAL = "/var/log/malleposte-accountd/accounts.jsonl"
NOBODY = "nul-ne-porte-ce-nom"


@pytest.fixture
def visitor(site: Site, web: Any) -> Visitor:
    return Visitor(site, web, javascript=True)


def lines(site: Site, uid: str) -> list[dict[str, Any]]:
    """The notes of accountd about what it sent to an account."""
    found = site.run("mail1", f'grep -F \'"account": "{uid}"\' {JOURNAL} || true').splitlines()
    return [line for line in map(json.loads, found) if "sent" in line]


def unsent(site: Site, uid: str) -> str:
    """The reason that accountd noted for its last message to an account."""
    (last,) = wait_for(lambda: lines(site, uid)[-1:])
    assert last["sent"] is False
    return str(last["reason"])


def test_a_code_by_text_message_gives_a_new_password_once(
    site: Site, visitor: Visitor, person: Any, enters: Any
) -> None:
    number, new = texts.number(), rules.generate()
    who = person(mpRecoveryPhone=[number])
    asked = visitor.send("/motdepasse/code", login=who.uid, channel="sms")
    assert visitor.status == 200
    assert visitor.send("/motdepasse/code", login=NOBODY, channel="sms").all("main") == asked.all("main")
    (text,) = texts.awaited(site, number)
    code = texts.code_in(text)
    given = {"numen": who.numen, "code": code, "new": new, "again": new}
    visitor.send("/motdepasse/oublie", **given)
    assert visitor.status == 200
    assert enters(who.uid, new) and not enters(who.uid, who.account.password)
    other = rules.generate()
    visitor.send("/motdepasse/oublie", **{**given, "new": other, "again": other})
    assert visitor.status == 403, "a code serves once"
    assert enters(who.uid, new) and not enters(who.uid, other)
    assert [(line["sent"], line["channel"]) for line in lines(site, who.uid)] == [(True, "sms")]
    assert texts.arrived(site, number) == [text]
    sought = leaks.Needles(dict.fromkeys((code, code.replace("-", "")), "the code") | {number[1:]: "the number"})
    for host in ("mail1", "pia1", "world"):
        assert leaks.on_host(site, host, sought) == []


def test_a_forgotten_log_in_by_text_message(site: Site, visitor: Visitor, person: Any) -> None:
    number = texts.number()
    who = person(mpRecoveryPhone=[number])
    asked = visitor.send("/oublie/identifiant", numen=who.numen, channel="sms")
    assert visitor.status == 200
    assert visitor.send("/oublie/identifiant", numen="99E0000000ESS", channel="sms").all("main") == asked.all("main")
    (text,) = texts.awaited(site, number)
    assert text.endswith(f" {who.uid}")


@pytest.mark.parametrize(
    ("end", "reason"),
    [(FAILS, "the gateway answered 500"), (HANGS_UP, "no answer from the gateway: RemoteDisconnected")],
)
def test_a_gateway_in_trouble_costs_nothing(
    site: Site, visitor: Visitor, person: Any, mail: Any, end: str, reason: str
) -> None:
    mark, number = token(), texts.number(end)
    who = person(mpRecoveryPhone=[number], mpRecoveryMail=[f"test+{mark}@lointain.test"])
    words = visitor.send("/motdepasse/code", login=NOBODY, channel="sms").all("main")
    assert visitor.send("/motdepasse/code", login=who.uid, channel="sms").all("main") == words
    assert visitor.status == 200
    assert unsent(site, who.uid) == reason
    told = site.run("mail1", "journalctl -u accountd.service -o cat --since=-10min")
    assert f"code could not be sent: {reason}" in told
    assert number[1:] not in told
    assert texts.arrived(site, number) == []
    assert visitor.send("/motdepasse/code", login=who.uid, channel="mail").all("main") == words
    assert b"NUMEN" in mail.at_foreign("test", f"test+{mark}"), "the other means still gives a code"


def test_accountd_may_reach_the_gateway_and_no_other_place(site: Site) -> None:
    shown = "systemctl show --value accountd.service -p"
    assert f"{site.address('world')}/32" in site.run("mail1", f"{shown} IPAddressAllow").split()
    assert set(site.run("mail1", f"{shown} IPAddressDeny").split()) == {"0.0.0.0/0", "::/0"}
