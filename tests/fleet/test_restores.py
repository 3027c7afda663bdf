"""Restores on the fleet: one thing by the host that holds it, everything for each host by its name."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.stack.support.accounts_cli import Cli, document
from tests.stack.support.dav import Device, events, first, put_event
from tests.stack.support.mail import Mail, compose, token
from tests.stack.support.people import People, directory
from tests.stack.support.site import Account, Site


@pytest.fixture
def backup(site: Site) -> Callable[..., None]:
    """Have these hosts send their archives now, as typed on the controller."""

    def run(*hosts: str) -> None:
        done = Cli(site).typed("run", *(f"--host={host}" for host in hosts), "--json", group="backup")
        assert done.returncode == 0, done
        assert set(json.loads(done.stdout)["hosts"]) == set(hosts)

    return run


def restored(site: Site, *words: str) -> dict[str, Any]:
    """A restore that is typed on the controller; what the host says of it."""
    found: dict[str, Any] = document(Cli(site).typed("restore", *words, "--json", group="backup"))
    return found


def letter(mail: Mail, who: Account) -> str:
    """A message in the inbox; its subject."""
    subject = token()
    assert mail.imap(who).append("INBOX", "", None, compose("a@lointain.test", who.mail, subject))[0] == "OK"
    return subject


def test_a_mailbox_comes_back_on_the_mail_host(
    site: Site, mail: Mail, people: People, backup: Callable[..., None]
) -> None:
    who = people.agent()
    subject = letter(mail, who)
    backup("mail1")
    mail.remove(who, subject)
    assert mail.count(who, subject) == 0
    done = restored(site, "mailbox", who.uid)
    assert mail.count(who, subject) == 1
    restored(site, "undo", who.uid, done["aside"].rpartition("/")[2])
    assert mail.count(who, subject) == 0


@pytest.mark.parametrize(("profile", "host"), [("roundcube", "web1"), ("convergence", "db1")])
def test_agendas_come_back_on_the_host_of_the_class(
    site: Site,
    people: People,
    device: Callable[[Account], Device],
    backup: Callable[..., None],
    profile: str,
    host: str,
) -> None:
    dav = device(people.agent(profile=profile))
    home = first(dav.discover()[1])
    put_event(dav, home, "conseil", "Conseil")
    backup(host)
    assert dav.ask("DELETE", f"{home}conseil.ics").status in (200, 204)
    assert ["Conseil"] not in events(dav).values()
    restored(site, "dav", dav.account.uid)
    assert ["Conseil"] in events(dav).values()


def all_of(site: Site, host: str) -> None:
    """Everything of a host that is in use; what it replaces is kept, and goes."""
    assert restored(site, "--all", "--yes", "--host", host)["what"] == "everything"
    done = Cli(site).typed("kept", "--host", host, "--older-than", "0", group="backup")
    assert done.returncode == 0, done


def test_everything_of_the_directory_s_host(
    site: Site, mail: Mail, people: People, backup: Callable[..., None]
) -> None:
    who = people.agent()
    backup("dir1")
    with directory(site) as bound:
        bound.modify(f"uid={who.uid},ou=people,{bound.suffix}", {"mpFunction": ["Principal"]})
    all_of(site, "dir1")
    with directory(site) as bound:
        held = next(iter(bound.search("people", ["uid", "mpFunction"], {"uid": who.uid}))).attributes
    assert held == {"uid": [who.uid]}
    assert mail.imap(who)


def test_everything_of_the_databases_host(
    site: Site, people: People, device: Callable[[Account], Device], backup: Callable[..., None]
) -> None:
    dav = device(people.agent(profile="convergence"))
    home = first(dav.discover()[1])
    put_event(dav, home, "conseil", "Conseil")
    backup("db1")
    assert dav.ask("DELETE", f"{home}conseil.ics").status in (200, 204)
    all_of(site, "db1")
    assert ["Conseil"] in events(dav).values()


def test_everything_of_the_web_host(
    site: Site, people: People, device: Callable[[Account], Device], backup: Callable[..., None]
) -> None:
    dav = device(people.agent())
    home = first(dav.discover()[1])
    put_event(dav, home, "conseil", "Conseil")
    backup("web1")
    assert dav.ask("DELETE", f"{home}conseil.ics").status in (200, 204)
    all_of(site, "web1")
    assert ["Conseil"] in events(dav).values()


def test_everything_of_the_mail_host(site: Site, mail: Mail, people: People, backup: Callable[..., None]) -> None:
    who = people.agent()
    subject = letter(mail, who)
    backup("mail1")
    mail.remove(who, subject)
    later = letter(mail, who)
    mail.close()
    all_of(site, "mail1")
    assert (mail.count(who, subject), mail.count(who, later)) == (1, 1)


def test_everything_of_the_portal_s_host(site: Site, backup: Callable[..., None]) -> None:
    backup("pia1")
    all_of(site, "pia1")
    assert site.run("pia1", "systemctl is-active nginx.service").strip() == "active"


def test_which_host_is_meant_must_be_said(site: Site) -> None:
    done = Cli(site).typed("restore", "--all", group="backup")
    assert (done.returncode, "--host: " in done.stderr) == (2, True)
    assert all(host in done.stderr for host in ("dir1", "db1", "mail1", "web1", "pia1"))
    assert "vault1" not in done.stderr
