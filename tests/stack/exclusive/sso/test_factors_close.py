"""The fact `closes_devices`, turned on after agents have enrolled second factors, and off again."""

from collections.abc import Callable
from typing import Any

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.dav import Device
from tests.stack.support.devices import SCOPES, Ways
from tests.stack.support.factors import Agent, closing
from tests.stack.support.mail import Mail
from tests.stack.support.site import Site
from tests.stack.support.web import Web

SETTINGS = "/etc/malleposte/accounts.json"
OPEN, SHUT = dict.fromkeys(SCOPES, True), dict.fromkeys(SCOPES, False)


def night(cli: Cli) -> list[str]:
    """The agents whom the nightly step brought in step."""
    (told,) = cli.json("nightly", "--step", "second-factors")
    assert told["failures"] == []
    return list(told["done"])


def test_main_passwords_close_for_who_had_a_factor_and_for_nobody_else(
    site: Site, web: Web, mail: Mail, device: Callable[..., Device], person: Any
) -> None:
    cli, with_one, without = Cli(site), person(), person()
    owner = Agent(site, web)
    owner.enrolled(with_one)
    ways, others = Ways(mail, device, with_one.account), Ways(mail, device, without.account)
    made = cli.json("device", "add", with_one.uid, "--name", "Telephone")["password"]
    assert ways.open(with_one.account.password) == OPEN
    try:
        with closing(site, SETTINGS):
            assert f"{with_one.uid}:totp" in night(cli)
            assert ways.open(with_one.account.password) == SHUT
            assert ways.open(made) == OPEN
            assert others.open(without.account.password) == OPEN
            assert night(cli) == []
    finally:
        back = night(cli)
    assert f"{with_one.uid}:none" in back
    assert ways.open(with_one.account.password) == OPEN
