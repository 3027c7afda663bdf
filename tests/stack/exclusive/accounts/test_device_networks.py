"""Networks of a scope, which hold for the devices that have none of their own."""

from collections.abc import Callable
from typing import Any

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.dav import Device
from tests.stack.support.devices import SCOPES, Ways
from tests.stack.support.mail import Mail, wait_for
from tests.stack.support.people import People
from tests.stack.support.site import Site

CONF, KEPT = "/etc/dovecot/dovecot.conf", "/etc/dovecot/dovecot.conf.kept"
ANY, FAR = "regexp(.^smtp$., .0[.]0[.]0[.]0/0,::/0.)", "regexp('^smtp$', '192.0.2.0/24')"


def test_a_scope_has_networks_for_the_devices_without(
    site: Site, mail: Mail, device: Callable[..., Device], people: People
) -> None:
    cli, ways = Cli(site), Ways(mail, device, people.agent())
    here = f"{site.lab.settings.gateway}/32"

    def added(*words: str, name: str) -> str:
        made: Any = cli.json("device", "add", ways.account.uid, "--name", name, *words)
        return str(made["password"])

    plain, own = added(name="Sans"), added("--network", here, name="Avec")
    everything = dict.fromkeys(SCOPES, True)
    assert ways.open(plain) == everything
    site.run("mail1", f"cp -a {CONF} {KEPT}")
    try:
        site.run("mail1", f'sed -i "s#{ANY}#{FAR}#" {CONF} && ! cmp -s {CONF} {KEPT} && doveadm reload')
        wait_for(lambda: not ways.opens("smtp", plain), 30, "the new setting")
        assert ways.open(plain) == everything | {"smtp": False}
        assert ways.open(own) == everything, "a device's own networks take the place of the scope's"
    finally:
        site.run("mail1", f"mv {KEPT} {CONF} && doveadm reload")
    wait_for(lambda: ways.opens("smtp", plain), 30, "the former setting")
