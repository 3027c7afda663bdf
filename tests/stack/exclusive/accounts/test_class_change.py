"""The nightly job completes interrupted changes of class."""

import json

import pytest

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.dav import contacts, events, first, put_contact, put_event
from tests.stack.support.people import directory


@pytest.fixture(scope="module")
def cli(site):
    return Cli(site)


def test_the_night_brings_home_what_an_interrupted_change_left(cli, device, site, mail1):
    dav = device(profile="roundcube")
    uid = dav.account.uid
    _, agendas, books = dav.discover()
    put_event(dav, first(agendas), "a", "Oubliée")
    put_contact(dav, first(books), "c", "Oublié")
    with directory(site) as bound:
        bound.modify(f"uid={uid},ou=people,{site.place.suffix}", {"mpProfile": ["convergence"]})
    mail1.check_output("doveadm auth cache flush")
    would = cli.json("nightly", "--step", "agendas", "--dry-run")
    assert uid in json.dumps(would)
    assert uid in json.dumps(cli.json("nightly", "--step", "agendas"))
    assert uid not in json.dumps(cli.json("nightly", "--step", "agendas"))
    assert ["Oubliée"] in events(dav).values()
    assert contacts(dav) == ["Oublié"]
