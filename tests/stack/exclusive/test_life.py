"""The nightly job removes accounts suspended long ago."""

import pytest
from malleposte.directory.model import State

from tests.stack.support.accounts_cli import Cli


@pytest.fixture(scope="module")
def cli(site):
    return Cli(site)


@pytest.fixture
def by_day(site):
    """Hold the nightly timer, whose time may come during the test."""
    timer = "malleposte-accounts-nightly.timer"
    assert site.run("mail1", f"systemctl is-active {timer}").strip() == "active"
    site.run("mail1", f"systemctl stop {timer}")
    yield
    site.run("mail1", f"systemctl start {timer}")


def test_a_night_removes_who_has_gone_long_ago(cli, made, people, site, by_day):
    who = people.agent(state=State.SUSPENDED)
    people.change(who, mpStateChanged=["20240101000000Z"])
    people.made = [pair for pair in people.made if pair[0] != who.uid]
    made.append(who.uid)
    dry = cli.json("nightly", "--dry-run")
    assert who.uid in next(one["done"] for one in dry if one["step"] == "archive")
    assert cli("show", who.uid).returncode == 0
    site.run("mail1", "systemctl start malleposte-accounts-nightly.service")
    assert cli("show", who.uid).returncode == 2
    assert site.run("mail1", f"ls /var/backups/malleposte-accounts/{who.uid}-*.zip").strip()
