"""The processes of the log-in page: one that nobody asks ends, and another stands ready in its place."""

import json
import time

import pytest

from tests.stack.support.provider import Provider
from tests.stack.support.site import Site
from tests.stack.support.web import Web

UNITS = ("lemonldap-ng-fastcgi-server.service", "lemonldap-tokens.service")
WAIT = r"""
use strict; use warnings; use Errno; use Socket; use IO::Socket::UNIX;
package Quick; use parent -norequire, 'Lemonldap::NG::Portal::Lib::Workers'; sub rest { return 1 }
package main;
require Lemonldap::NG::Portal::Lib::Workers;
my $listener = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => "\0workers-$$", Listen => 1) or die $!;
my $workers = Quick->new({});
$workers->handling_init;
$workers->pm_post_dispatch;
print accept(my $client, $listener) ? 'asked' : $!{EINTR} ? 'ended' : "$!";
$workers->pm_post_dispatch;
$workers->pm_pre_dispatch;
my $begun = time;
select undef, undef, undef, 3;
print ' ', time - $begun >= 2 ? 'served' : 'interrupted';
"""


def processes(site: Site, unit: str) -> list[str]:
    """The ids of a unit's processes, that of the manager first."""
    manager = site.run("pia1", f"systemctl show -P MainPID {unit}").strip()
    return [manager, *site.run("pia1", f"pgrep -P {manager}").split()]


def test_one_that_waits_ends_and_one_that_serves_does_not(site: Site) -> None:
    assert site.run("pia1", "perl -", given=WAIT) == "ended served"


@pytest.mark.parametrize("unit", UNITS)
def test_another_takes_its_place(site: Site, web: Web, unit: str) -> None:
    manager, *workers = processes(site, unit)
    since = site.run("pia1", "date +%s").strip()
    site.run("pia1", f"kill -ALRM {workers[0]}")
    while workers[0] in (running := processes(site, unit)) or len(running) <= len(workers):
        time.sleep(0.1)
    assert running[0] == manager
    journal = site.run("pia1", f"journalctl -u {unit} --since=@{since} -o cat")
    assert f"server (pid {workers[0]}) exited with status 0" in journal
    browser = Provider(site, web)
    assert "Connexion" in browser.ask("/").text
    assert "keys" in json.loads(browser.ask("/oauth2/jwks").text)
