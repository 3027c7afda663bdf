"""Agendas and address books have a room: a full one takes nothing new, gives up what is there, stops nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.stack.support.dav import EVENT, Device, first, responses
from tests.stack.support.mail import wait_for
from tests.stack.support.site import Site

STORE = "/var/lib/radicale/collections/collection-root"
FILLER = "remplissage.ics"
ROOM = 200 << 20
"""Octets of an agent's room in the lab."""
TYPE = "text/calendar; charset=utf-8"
MAKE = '<c:mkcalendar xmlns:c="urn:ietf:params:xml:ns:caldav"/>'
FOLDERS = 100
"""Agendas and address books of an agent."""
THEIRS = "SELECT c_folder_id FROM sogo_folder_info WHERE c_path2 = '{uid}'"


def sql(site: Site, text: str) -> str:
    """Run SQL in SOGo's database as the platform's programs do."""
    return site.run("mail1", "psql -U postgres -XqAt -d sogo", given=text)


def put(dav: Device, path: str, summary: str) -> int:
    """Write an event; the status."""
    return dav.ask("PUT", path, EVENT.format(uid=path.rpartition("/")[2], summary=summary), Content_Type=TYPE).status


def agenda(dav: Device) -> str:
    """Return the address of the first agenda."""
    return first(dav.discover()[1])


class Light:
    """An agent of the light class and the way to fill the room of the agent's agendas by a file beside them."""

    refused = 507

    def __init__(self, site: Site, dav: Device) -> None:
        self.site, self.dav, self.folder = site, dav, f"{STORE}/{dav.account.uid}/agenda/.Radicale.cache"

    def fill(self) -> None:
        """Leave no room."""
        self.site.run(
            "mail1", f"runuser -u radicale -- mkdir -p {self.folder}; fallocate -l {ROOM} {self.folder}/{FILLER}"
        )

    def empty(self) -> None:
        """Take away what fills it."""
        self.site.run("mail1", f"rm -f {self.folder}/{FILLER}")


class Full:
    """The same of the class with SOGo, by rows that SOGo has deleted."""

    refused = 500

    def __init__(self, site: Site, dav: Device) -> None:
        self.site, self.dav, self.theirs = site, dav, THEIRS.format(uid=dav.account.uid)

    def fill(self) -> None:
        """Leave no room."""
        sql(self.site, f"INSERT INTO sogo_store SELECT c_folder_id, '{FILLER}', repeat('x', {ROOM}), 0,"
                       f" extract(epoch FROM now())::int, 0, 1 FROM ({self.theirs} LIMIT 1) AS one;")  # fmt: skip

    def empty(self) -> None:
        """Take away what fills it."""
        sql(self.site, f"DELETE FROM sogo_store WHERE c_name = '{FILLER}' AND c_folder_id IN ({self.theirs});")


@pytest.fixture(params=[("roundcube", Light), ("convergence", Full)], ids=["light", "full"])
def agent(
    request: pytest.FixtureRequest, site: Site, device: Callable[..., Device]
) -> Iterator[tuple[Light | Full, Device]]:
    """An agent of a class with the way to fill the agent's room, and a colleague of the class."""
    profile, kind = request.param
    filled = kind(site, device(profile=profile))
    yield filled, device(profile=profile)
    filled.empty()


def test_a_full_room_takes_nothing_new_and_gives_up_what_is_there(agent: tuple[Light | Full, Device]) -> None:
    filled, colleague = agent
    dav, home = filled.dav, agenda(filled.dav)
    if isinstance(filled, Full):
        assert put(dav, f"{home}avant.ics", "Conseil de classe du second degré") == 201
    else:
        filled.site.run("mail1", f"test ! -e {filled.folder}/{FILLER}")
    filled.fill()
    assert put(dav, f"{home}nouveau.ics", "Réunion") == filled.refused
    assert dav.ask("GET", f"{home}nouveau.ics").status == 404, "nothing of it is there"
    assert put(colleague, f"{agenda(colleague)}nouveau.ics", "Réunion") == 201
    if isinstance(filled, Full):
        assert put(dav, f"{home}avant.ics", "Court") == 204, "what is there may become shorter"
        assert dav.ask("DELETE", f"{home}avant.ics").status == 204
    filled.empty()
    wait_for(lambda: put(dav, f"{home}nouveau.ics", "Réunion") == 201, what="room again", timeout=120)


def test_an_agent_has_so_many_agendas(agent: tuple[Light | Full, Device]) -> None:
    filled, colleague = agent
    dav, home = filled.dav, agenda(filled.dav)
    above = home.rstrip("/").rpartition("/")[0]
    statuses = {dav.ask("MKCALENDAR", f"{above}/essai{number}/", MAKE).status for number in range(FOLDERS)}
    assert 201 in statuses and statuses - {201} and not statuses & {401, 404}, statuses
    assert len(dav.discover()[1]) < FOLDERS
    assert colleague.ask("MKCALENDAR", f"{agenda(colleague).rstrip('/').rpartition('/')[0]}/essai/", MAKE).status == 201


def test_the_words_of_what_was_deleted_are_erased_after_a_month(site: Site, device: Callable[..., Device]) -> None:
    dav = device(profile="convergence")
    home = agenda(dav)
    for name in ("ancien", "recent"):
        assert put(dav, f"{home}{name}.ics", "Entretien avec une famille") == 201
        assert dav.ask("DELETE", f"{home}{name}.ics").status == 204
    theirs = THEIRS.format(uid=dav.account.uid)
    rows = (
        f"SELECT c_name, octet_length(c_content) > 0 FROM sogo_store WHERE c_folder_id IN ({theirs}) ORDER BY c_name;"
    )
    assert sql(site, rows).split() == ["ancien.ics|t", "recent.ics|t"], "SOGo leaves them for ever"
    sql(site, f"UPDATE sogo_store SET c_lastmodified = c_lastmodified - 31 * 86400"
              f" WHERE c_name = 'ancien.ics' AND c_folder_id IN ({theirs});")  # fmt: skip
    site.run("mail1", "rm -f /var/lib/malleposte-sogo-senders/steps.json; systemctl start malleposte-sogo-sync.service")
    assert sql(site, rows).split() == ["ancien.ics|f", "recent.ics|t"]
    assert put(dav, f"{home}ancien.ics", "De retour") == 201
    assert "De retour" in dav.ask("GET", f"{home}ancien.ics").body.decode()
    changed = responses(dav.ask("REPORT", home, SYNC, Content_Type="application/xml"))
    assert any(one.endswith("ancien.ics") for one in changed) and not any("recent" in one for one in changed)


SYNC = """<?xml version="1.0"?><d:sync-collection xmlns:d="DAV:"><d:sync-token/><d:sync-level>1</d:sync-level>
<d:prop><d:getetag/></d:prop></d:sync-collection>"""
