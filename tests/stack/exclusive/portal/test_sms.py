"""A gateway of text messages that is stopped, and there again."""

from typing import Any

from tests.stack.support import texts
from tests.stack.support.mail import wait_for
from tests.stack.support.site import Site
from tests.stack.support.visitor import Visitor

UNIT = "world-sms.service"
LOGGED = "journalctl -u accountd.service -o cat --since=-5min"


def test_a_gateway_that_is_stopped_costs_nothing(site: Site, web: Any, person: Any) -> None:
    visitor, number = Visitor(site, web, javascript=True), texts.number()
    who = person(mpRecoveryPhone=[number])
    words = visitor.send("/motdepasse/code", login="nul-ne-porte-ce-nom", channel="sms").all("main")
    site.run("world", f"systemctl stop {UNIT}")
    try:
        assert visitor.send("/motdepasse/code", login=who.uid, channel="sms").all("main") == words
        wait_for(lambda: "no answer from the gateway: ConnectionRefusedError" in site.run("mail1", LOGGED))
    finally:
        site.run("world", f"systemctl start {UNIT}")
    wait_for(lambda: not site.run("world", "true < /dev/tcp/127.0.0.1/8443 2>&1 || echo closed", check=False))
    assert texts.arrived(site, number) == []
    assert visitor.send("/motdepasse/code", login=who.uid, channel="sms").all("main") == words
    assert len(texts.awaited(site, number)) == 1
