"""Published calendars in SOGo: agents keep what they chose, who leaves a rule loses one, nobody is their owner."""

import dataclasses
import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from malleposte.accounts.agendas.sogo import PUBLISHER

from tests.stack.support.calendars import Calendars, file, school, sql
from tests.stack.support.groupware import Groupware
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site

pytestmark = pytest.mark.together("calendars")

SETTLED = "UPDATE malleposte_calendars SET since = 0 WHERE ident = '{}'"
DELEGATED = """<d:propfind xmlns:d="DAV:" xmlns:c="http://calendarserver.org/ns/"><d:prop><c:calendar-proxy-read-for/></d:prop>
</d:propfind>"""
Visit = Callable[..., Groupware]


def listed(agent: Groupware) -> dict[str, dict[str, Any]]:
    """The published calendars in an agent's list, as SOGo's page has it, by their identifiers."""
    held = agent.get(agent.own("Calendar/calendarslist")).json()["calendars"]
    start = f"{PUBLISHER}_"
    return {one["id"].partition(start)[2]: one for one in held if start in one["id"]}


def state(site: Site, ident: str, *agents: Groupware) -> str:
    """A digest of the rows that the job writes for a calendar and its agents. Others have their own beside."""
    uids = ", ".join(f"'{one.account.uid}'" for one in agents)
    folder = f"c_folder_id IN (SELECT c_folder_id FROM sogo_folder_info WHERE c_path4 = '{ident}')"
    tables = {
        "sogo_user_profile": f"c_uid IN ({uids})", "malleposte_calendars": f"ident = '{ident}'",
        "sogo_acl": folder, "sogo_store": folder, "sogo_folder_info": folder,
    }  # fmt: skip
    digest = "SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {} t WHERE {};"
    return sql(site, "".join(digest.format(*pair) for pair in tables.items()))


@pytest.mark.full
def test_an_agent_keeps_what_was_chosen_and_sees_what_changed(calendars: Calendars, visit: Visit, site: Site) -> None:
    here, name = school(), f"Été {secrets.token_hex(4)}"
    hider, painter, leaver = (visit(establishments=(here,)) for _ in range(3))
    ident = calendars.publish("-", name, f"uai={here}", "--colour", "#18753c", given=file("Rentrée"))["ident"]
    for one in (hider, painter, leaver):
        shown = listed(one)[ident]
        assert shown["name"].startswith(f"{name} ("), "the academy's name stands after it"
        assert (shown["color"], shown["active"], shown["owner"]) == ("#18753c", 1, PUBLISHER)
        assert not any(shown["acls"].values())
    where = f"Calendar/{PUBLISHER}_{ident}"
    assert hider.get(hider.own(f"{where}/deactivateFolder")).status in (200, 204)
    assert painter.post(painter.own(f"{where}/save"), {"color": "#b34000"}).status in (200, 204)
    assert leaver.get(leaver.own(f"{where}/unsubscribe")).status in (200, 204)
    sql(site, SETTLED.format(ident))
    calendars.publish("-", name, f"uai={here}", "--colour", "#6e445a", given=file("Pré-rentrée"))
    assert (listed(hider)[ident]["color"], listed(hider)[ident]["active"]) == ("#6e445a", 0)
    assert (listed(painter)[ident]["color"], listed(painter)[ident]["active"]) == ("#b34000", 1)
    assert ident not in listed(leaver)
    found = hider.propfind(f"{where}/").text
    (item,) = {part.split("<")[0] for part in found.split("href>") if part.split("<")[0].endswith(".ics")}
    assert "Pré-rentrée" in hider.request("GET", item, basic=True).text
    calendars.withdraw(ident)
    for one in (hider, painter, leaver):
        assert ident not in listed(one)
        settings = sql(site, f"SELECT c_settings FROM sogo_user_profile WHERE c_uid = '{one.account.uid}'")
        assert ident not in settings
        assert json.loads(settings)["Calendar"]
    for table in ("sogo_folder_info WHERE c_path4", "malleposte_calendars WHERE ident"):
        assert sql(site, f"SELECT count(*) FROM {table} = '{ident}'") == "0"


@pytest.mark.full
def test_who_changes_school_loses_it_and_nothing_is_written_again(
    calendars: Calendars, visit: Visit, people: People, site: Site
) -> None:
    here = school()
    mover, stayer = (visit(establishments=(here,)) for _ in range(2))
    ident = calendars.publish("-", f"École {secrets.token_hex(4)}", f"uai={here}", given=file("Conseil"))["ident"]
    assert ident in listed(mover)
    before = state(site, ident, mover, stayer)
    calendars.gather()
    assert state(site, ident, mover, stayer) == before
    people.change(mover.account, mpEstablishment=["9990001X"])
    calendars.gather()
    assert ident not in listed(mover)
    assert mover.propfind(f"Calendar/{ident}/", owner=PUBLISHER).status in (403, 404)
    assert ident in listed(stayer)
    assert stayer.propfind(f"Calendar/{ident}/", owner=PUBLISHER).status == 207


@pytest.mark.full
def test_who_is_new_sees_it_at_the_first_visit(calendars: Calendars, visit: Visit, people: People) -> None:
    here = school()
    account = people.agent(profile="convergence", establishments=(here,))
    ident = calendars.publish("-", f"Accueil {secrets.token_hex(4)}", f"uai={here}", given=file("Visite"))["ident"]
    agent = Groupware(calendars.site, visit().cafile, account).login()
    assert ident in listed(agent)


def test_nobody_is_the_owner_or_finds_it(calendars: Calendars, visit: Visit) -> None:
    here = school()
    agent, stranger = visit(establishments=(here,)), visit(establishments=("9990001X",))
    ident = calendars.publish("-", f"Jury {secrets.token_hex(4)}", f"uai={here}", given=file("Délibération"))["ident"]
    owned = f"Calendar/{ident}/"
    assert f"/dav/{PUBLISHER}/" in agent.propfind("", depth="0", body=DELEGATED).text, "no way for macOS and DAVx⁵"
    assert PUBLISHER not in stranger.propfind("", depth="0", body=DELEGATED).text
    assert agent.propfind(owned, owner=PUBLISHER).status == 207
    assert stranger.propfind(owned, owner=PUBLISHER).status in (403, 404)
    assert agent.put(f"{owned}a.ics", file("x"), "text/calendar", owner=PUBLISHER) == 403
    assert agent.put("Calendar/personal/a.ics", file("x"), "text/calendar") == 201
    for word in (PUBLISHER[:12], "calendars.invalid", "acad"):
        for search in ("usersSearch?search=", "Contacts/allContactSearch?excludeGroups=0&excludeLists=0&search="):
            assert PUBLISHER not in agent.get(agent.own(f"{search}{word}")).text
    assert "Dupond" in agent.get(agent.own("usersSearch?search=dupond")).text
    nobody = Account(PUBLISHER, f"{PUBLISHER}@calendars.invalid", "*", "convergence")
    visitor = dataclasses.replace(agent, account=nobody, cookies={}, sso_cookies={})
    assert visitor.propfind("Calendar/").status == 401
    assert not visitor.enters()
    assert dataclasses.replace(agent, cookies={}, sso_cookies={}).enters()
