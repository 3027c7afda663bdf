"""Agendas are restored into the store of the account's class, also after a change of class."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from malleposte.core.paths import ROOT

from tests.stack.shared.groupware.test_box_agendas import Boxes, boxes, card
from tests.stack.support.accounts_cli import Cli
from tests.stack.support.dav import Device, events, first, put_event
from tests.stack.support.groupware import Groupware, event
from tests.stack.support.mail import token
from tests.stack.support.site import Site

__all__ = ["boxes"]

pytestmark = pytest.mark.full

HOST, VAULT = "mail1", "vault2"


def shown(dav: Device) -> list[str]:
    """Every event that a device finds, whatever the agenda."""
    return [name for names in events(dav).values() for name in names]


def restore(site: Site, *words: str) -> dict[str, Any]:
    """`backup restore dav` from the controller, and its JSON."""
    argv = [str(ROOT / "malleposte"), "backup", "restore", "dav", *words, "--json", "-i", str(site.inventory)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr[-1500:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def shares(site: Site, uid: str) -> str:
    """The rights that others have in the agent's agendas of SOGo."""
    ask = f"SELECT c_uid, c_role FROM sogo_acl WHERE c_object LIKE '/{uid}/Calendar/%' ORDER BY 1, 2"
    return site.run(HOST, f'runuser -u postgres -- psql -XAtq -d sogo -c "{ask}"')


def share(site: Site, uid: str, other: str) -> None:
    """Let another agent read the agent's own agenda of SOGo, as SOGo writes it."""
    give = (
        "INSERT INTO sogo_acl (c_folder_id, c_object, c_uid, c_role)"
        f" SELECT c_folder_id, '/{uid}/Calendar/personal', '{other}', 'PublicViewer'"
        f" FROM sogo_folder_info WHERE c_path2 = '{uid}' AND c_path3 = 'Calendar' AND c_path4 = 'personal'"
    )
    site.run(HOST, f'runuser -u postgres -- psql -XAtq -d sogo -c "{give}"')


def test_the_store_is_that_of_the_class_and_what_a_change_of_class_moved_comes_home(
    site: Site, device: Callable[..., Device]
) -> None:
    dav = device(profile="roundcube")
    uid = dav.account.uid
    _, agendas, _ = dav.discover()
    put_event(dav, first(agendas), "a", "Avant le changement")
    site.run(HOST, f"malleposte backup run --source system --vault {VAULT}", timeout=300)
    assert Cli(site).json("profile", uid, "convergence")["failures"] == []
    _, agendas, _ = dav.discover()
    put_event(dav, first(agendas), "b", "Après le changement")
    share(site, uid, "probe1")
    site.run(HOST, f"malleposte backup run --source postgresql-sogo --vault {VAULT}", timeout=300)
    for name in ("a", "b"):
        assert dav.ask("DELETE", f"{first(agendas)}{name}.ics").status in (200, 204)

    site.run(
        HOST, f"runuser -u postgres -- psql -XAtq -d sogo -c \"DELETE FROM sogo_acl WHERE c_object LIKE '/{uid}/%'\""
    )
    share(site, uid, "mdupond")
    given = shares(site, uid)
    assert given == "mdupond|PublicViewer\n"

    # Nobody says which store: the class does.
    done = restore(site, uid, "--vault", VAULT)
    assert done["counts"]["items"] == 2 and done["copy"]["vault"] == VAULT
    assert sorted(shown(dav)) == ["Après le changement", "Avant le changement"]
    assert shares(site, uid) == given, "those who share it today, not those of then"

    # Data that the other store held before: it comes back there, and then to the present store.
    for name in ("a", "b"):
        assert dav.ask("DELETE", f"{first(agendas)}{name}.ics").status in (200, 204)
    moved = restore(site, uid, "--service", "radicale", "--vault", VAULT)
    assert moved["counts"]["moved"] == 1 and moved["missing"] == []
    assert shown(dav) == ["Avant le changement"]
    assert shares(site, uid) == given
    site.run(HOST, f"rm -rf /var/lib/radicale/collections/.malleposte-aside/{uid}")


def test_the_agenda_and_the_address_book_of_a_team_come_back_whatever_its_class(
    site: Site, boxes: Boxes, visit: Callable[..., Groupware]
) -> None:
    lead, reader = visit(), visit()
    team = boxes.shared(lead, reader, name=f"Équipe {token()}", team="@dsi")
    agenda, contact = f"Calendar/personal/{token()}.ics", f"Contacts/personal/{token()}.vcf"
    assert lead.put(agenda, event(token(), "Réunion d’équipe"), "text/calendar", owner=team.uid) == 201
    assert lead.put(contact, card("Durand"), "text/vcard", owner=team.uid) == 201
    site.run(HOST, f"malleposte backup run --source postgresql-sogo --vault {VAULT}", timeout=300)
    for item in (agenda, contact):
        assert lead.delete(item, owner=team.uid) == 204 and lead.fetch(item, owner=team.uid).status == 404
    done = restore(site, team.uid, "Contacts/personal", "--vault", VAULT)
    assert done["counts"] == {"collections": 1, "items": 1}
    assert "Durand" in reader.fetch(contact, owner=team.uid).text
    assert lead.fetch(agenda, owner=team.uid).status == 404, "the agenda was not asked for"
    assert restore(site, team.uid, "--vault", VAULT)["counts"]["collections"] == 2
    assert "Réunion d’équipe" in reader.fetch(agenda, owner=team.uid).text
