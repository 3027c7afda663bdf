"""Agendas and contacts follow their owner's class, as a device at the one DAV address and the webmails show it."""

import pytest

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.dav import contacts, events, first, put_contact, put_event, summaries

ROWS = "SELECT name, email, del FROM contacts JOIN users USING (user_id)"
MKBOOK = (
    '<?xml version="1.0"?><d:mkcol xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><d:set><d:prop>'
    "<d:resourcetype><d:collection/><c:addressbook/></d:resourcetype><d:displayname>Amis</d:displayname></d:prop></d:set></d:mkcol>"
)
NOTHING = {"agenda": 0, "contacts": 0, "left": 0}


@pytest.fixture(scope="module")
def cli(site):
    return Cli(site)


def sql(mail1, database, text):
    return mail1.check_output("psql -U postgres -AtX -d %s -c %s", database, text).split("\n")


def test_there_and_back_with_what_was_done_meanwhile(cli, device, mail1):
    dav = device(profile="convergence")
    uid = dav.account.uid
    _, agendas, books = dav.discover()
    home = first(agendas)
    put_event(dav, home, "reste", "Conseil d’été")
    put_event(dav, home, "efface", "À effacer")
    put_contact(dav, first(books), "c1", "Élodie Lefèvre")
    more = home.replace("personal", "classes")
    assert dav.ask("MKCALENDAR", more).status == 201
    put_event(dav, more, "classe", "Sortie de 3ᵉ")
    friends = first(books).replace("personal", "amis")
    assert dav.ask("MKCOL", friends, MKBOOK, Content_Type="application/xml").status == 201
    put_contact(dav, friends, "c2", "Ami de toujours")

    done = cli.json("profile", uid, "roundcube", "--reason", "essai")
    assert done["failures"] == [] and done["moved"] == {"agenda": 3, "contacts": 2, "left": 0}
    here = events(dav)
    assert here.pop("Agenda") == ["Conseil d’été", "À effacer"]
    assert list(here.values()) == [["Sortie de 3ᵉ"]]
    assert contacts(dav) == ["Ami de toujours", "Élodie Lefèvre"]
    known = sql(mail1, "roundcube", f"{ROWS} WHERE username = '{uid}'")
    assert sorted(known) == ["Ami de toujours|elodie@lointain.test|0", "Élodie Lefèvre|elodie@lointain.test|0"]
    left = "SELECT count(*) FROM sogo_store JOIN sogo_folder_info USING (c_folder_id)"
    assert sql(mail1, "sogo", f"{left} WHERE c_path2 = '{uid}'") == ["0"], "no row of a deleted item either"

    _, agendas, _ = dav.discover()
    home = first(agendas)
    put_event(dav, home, "reste", "Conseil déplacé")
    put_event(dav, home, "neuf", "Réunion neuve")
    assert dav.ask("DELETE", f"{home}efface.ics").status in (200, 204)
    row = f"SELECT user_id, 'Zoë Lœuf', 'zoe@lointain.test', 'Zoë', 'Lœuf' FROM users WHERE username = '{uid}'"
    sql(mail1, "roundcube", f"INSERT INTO contacts (user_id, name, email, firstname, surname) {row}")

    assert cli.json("profile", uid, "convergence")["moved"] == {"agenda": 3, "contacts": 3, "left": 0}
    back = events(dav)
    assert sorted(back.values()) == [["Conseil déplacé", "Réunion neuve"], ["Sortie de 3ᵉ"]]
    # SOGo shows a second address book to an agent who knows its address.
    assert summaries(dav, friends, "FN:") == ["Ami de toujours"]
    assert contacts(dav) == ["Zoë Lœuf", "Élodie Lefèvre"], "each once, in its own book"
    assert sql(mail1, "roundcube", f"{ROWS} WHERE username = '{uid}'") == [""], "no row of a deleted contact either"
    assert cli.json("profile", uid, "convergence")["moved"] == NOTHING


def test_devices_are_told_what_is_where_now(cli, device):
    """A phone that keeps its old address and its token finds nothing there, and looks again from the root."""
    dav = device(profile="roundcube")
    _, agendas, _ = dav.discover()
    home = first(agendas)
    put_event(dav, home, "a", "Avant")
    cli.json("profile", dav.account.uid, "convergence")
    assert dav.ask("GET", f"{home}a.ics").status == 404
    assert sorted(events(dav).values()) == [["Avant"]]
