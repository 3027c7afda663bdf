"""The nightly job removes accounts suspended long ago."""

import pytest
from malleposte.directory.model import State

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.passwords import root


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


@pytest.mark.full
def test_the_archive_of_who_was_removed_long_ago_ends(cli, made, people, site, by_day):
    who, folder = people.agent(state=State.ACTIVE), "/var/backups/malleposte-accounts"
    people.made = [pair for pair in people.made if pair[0] != who.uid]
    made.append(who.uid)
    cli.json("suspend", who.uid)
    kept = cli.json("archive", who.uid, "--override", "essai")["file"]
    old = f"{folder}/{who.uid}-20240101.zip"
    site.run("mail1", f"cp -p {kept} {old}; rm -f /var/lib/malleposte/accounts/archives-looked")
    cli.json("nightly", "--step", "archive-ends")
    night = ("nightly", "--step", "archive-ends", "--json")
    assert old.rpartition("/")[2] not in cli(*night).stdout, "the account is still there"
    cli.json("purge", who.uid, "--override", "essai", "--yes")
    assert old.rpartition("/")[2] not in cli(*night).stdout, "it was removed today"
    stone = f"uid={who.uid},ou=tombstones,{site.place.suffix}"
    root(site, "ldapmodify", f"dn: {stone}\nchangetype: modify\nreplace: mpRemoved\nmpRemoved: 20240601000000Z\n")
    assert old.rpartition("/")[2] in cli("nightly", "--step", "archive-ends", "--dry-run").stdout
    site.run("mail1", "systemctl start malleposte-accounts-nightly.service")
    left = site.run("mail1", f"ls {folder}")
    assert f"{who.uid}-20240101.zip" not in left and kept.rpartition("/")[2] in left
    assert "archive-end" in site.run("mail1", f"grep {who.uid} /var/log/malleposte/accounts.jsonl")
