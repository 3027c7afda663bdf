"""The nightly job completes interrupted changes of class."""

import json

import pytest

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.dav import CARD_TEXT, events, first, put_event, summaries
from tests.stack.support.people import directory


@pytest.fixture(scope="module")
def cli(site):
    return Cli(site)


def contacts(dav):
    _, _, books = dav.discover()
    return sorted(name for home in books for name in summaries(dav, home, "FN:"))


def put_contact(dav, home, uid, name):
    kind = "text/vcard; charset=utf-8"
    assert dav.ask("PUT", f"{home}{uid}.vcf", CARD_TEXT.format(uid=uid, name=name), Content_Type=kind).status == 201


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
