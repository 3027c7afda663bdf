"""Agendas and address books have a room: a full one takes nothing new, gives up what is there, stops nobody else."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from malleposte.accountd.calls.account import Diagnose

from tests.stack.support.dav import EVENT, Device, first, responses
from tests.stack.support.mail import wait_for
from tests.stack.support.portal import Portal
from tests.stack.support.site import Site

ROOM, LARGE = 200_000_000, 4_000_000
"""Octets of an agent's room in the lab, and of a large event."""
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


@pytest.fixture(params=[("roundcube", 507), ("convergence", 500)], ids=["light", "full"])
def agent(request: pytest.FixtureRequest, device: Callable[..., Device]) -> tuple[Device, int, Device]:
    """An agent of a class, the status of a refusal, and a colleague of the class."""
    profile, refused = request.param
    return device(profile=profile), refused, device(profile=profile)


@pytest.mark.full
def test_a_full_room_takes_nothing_new_and_gives_up_what_is_there(
    agent: tuple[Device, int, Device], site: Site
) -> None:
    dav, refused, colleague = agent
    home = agenda(dav)
    assert put(dav, f"{home}avant.ics", "Conseil de classe du second degré") == 201
    statuses = []
    while len(statuses) < 2 * ROOM // LARGE and refused not in statuses:
        statuses.append(put(dav, f"{home}grand{len(statuses)}.ics", "x" * LARGE))
    assert statuses[-1] == refused and set(statuses[:-1]) == {201} and len(statuses) * LARGE > 0.8 * ROOM, statuses
    assert dav.ask("GET", f"{home}grand{len(statuses) - 1}.ics").status == 404, "nothing of it is there"
    uid = dav.account.uid
    portal = Portal(site)
    diagnosis = portal.one(Diagnose(portal.source, uid, portal.token(uid))).diagnosis
    assert diagnosis.looked and diagnosis.agendas_room_mb * 0.9 < diagnosis.agendas_mb <= diagnosis.agendas_room_mb
    begun = time.monotonic()
    assert put(colleague, f"{agenda(colleague)}nouveau.ics", "Réunion") == 201
    assert time.monotonic() - begun < 60
    assert put(dav, f"{home}avant.ics", "Court") in (201, 204), "what is there may become shorter"
    assert dav.ask("DELETE", f"{home}avant.ics").status in (200, 204)
    for number in range(len(statuses) - 1):
        assert dav.ask("DELETE", f"{home}grand{number}.ics").status in (200, 204)
    wait_for(lambda: put(dav, f"{home}apres.ics", "x" * LARGE) == 201, 120, "room for something new")


def test_an_agent_has_so_many_agendas(agent: tuple[Device, int, Device]) -> None:
    dav, _refused, colleague = agent
    home = agenda(dav)
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
    # A run that has begun may have looked before.
    forget = "rm -f /var/lib/malleposte-sogo-senders/steps.json"
    site.run_job("mail1", "malleposte-sogo-sync.service", before=forget)
    assert sql(site, rows).split() == ["ancien.ics|f", "recent.ics|t"]
    assert put(dav, f"{home}ancien.ics", "De retour") == 201
    assert "De retour" in dav.ask("GET", f"{home}ancien.ics").body.decode()
    changed = responses(dav.ask("REPORT", home, SYNC, Content_Type="application/xml"))
    assert any(one.endswith("ancien.ics") for one in changed) and not any("recent" in one for one in changed)


SYNC = """<?xml version="1.0"?><d:sync-collection xmlns:d="DAV:"><d:sync-token/><d:sync-level>1</d:sync-level>
<d:prop><d:getetag/></d:prop></d:sync-collection>"""
