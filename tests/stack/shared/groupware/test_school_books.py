"""The address book of a school in SOGo: its people for its own agents, in pages and on devices, and for nobody else."""

import dataclasses
import secrets
from collections.abc import Callable, Iterator

import pytest
from malleposte.groupware.sogo.schools import OWNER

from tests.stack.support.calendars import sql
from tests.stack.support.groupware import Groupware
from tests.stack.support.people import People
from tests.stack.support.schools import Schools
from tests.stack.support.site import Account, Site

pytestmark = pytest.mark.together("school-books")

CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:x\r\nFN:Intrus\r\nN:Intrus;;;;\r\nEND:VCARD\r\n"


@pytest.fixture
def schools(site: Site) -> Iterator[Schools]:
    made = Schools(site)
    yield made
    made.close()


def listed(agent: Groupware) -> dict[str, str]:
    """The names of the address books of schools in an agent's list, by identifier."""
    held = agent.get(agent.own("Contacts/addressbooksList")).json()["addressbooks"]
    return {one["id"].partition("_")[2]: one["name"] for one in held if one["id"].startswith(f"{OWNER}_")}


def test_the_people_of_a_school_are_there_for_its_agents_and_for_nobody_else(
    schools: Schools, visit: Callable[..., Groupware], people: People
) -> None:
    name = f"Collège {secrets.token_hex(3)}"
    here, elsewhere = schools.create(name), schools.create("Lycée")
    first, second = visit(hidden=False, establishments=(here,)), visit(hidden=False, establishments=(here,))
    light = people.agent(establishments=(here,), hidden=False)
    hidden = people.agent(establishments=(here,), hidden=True)
    stranger = visit(hidden=False, establishments=(elsewhere,))
    schools.follow()
    ident = here.lower()
    first, stranger = (dataclasses.replace(one, cookies={}, sso_cookies={}).login() for one in (first, stranger))
    assert listed(first)[ident] == f"{name} (Mon établissement)"
    assert ident not in listed(stranger)
    book = f"Contacts/{OWNER}_{ident}/"
    assert f"{OWNER}_{ident}/" in first.propfind("Contacts/").text, "no way for devices"
    assert ident not in stranger.propfind("Contacts/").text
    cards = first.propfind(book).text
    for account in (first.account, second.account, light):
        assert f"{account.uid}-" in cards
    assert f"{hidden.uid}-" not in cards
    (item,) = {part.split("<")[0] for part in cards.split("href>") if f"/{light.uid}-" in part.split("<")[0]}
    text = first.request("GET", item, basic=True).text
    assert light.mail in text and f"ORG:{name}" in text, text
    for status in (
        first.put(f"Contacts/{ident}/x.vcf", CARD, "text/vcard", owner=OWNER),
        first.request("DELETE", item, basic=True).status,
        stranger.propfind(f"Contacts/{ident}/", owner=OWNER).status,
        stranger.put(f"Contacts/{ident}/x.vcf", CARD, "text/vcard", owner=OWNER),
    ):
        assert status in (403, 404)
    assert first.put("Contacts/personal/x.vcf", CARD, "text/vcard") == 201
    found = first.get(first.own(f"Contacts/allContactSearch?search={light.uid}&excludeGroups=0&excludeLists=0"))
    assert len([one for one in found.json()["contacts"] if light.mail in str(one)]) == 1, "once, not in each book"


@pytest.mark.full
def test_who_changes_school_changes_the_book_and_nothing_is_written_again(
    schools: Schools, visit: Callable[..., Groupware], people: People, site: Site
) -> None:
    here, elsewhere = schools.create("Collège"), schools.create("Lycée")
    mover, stayer = visit(hidden=False, establishments=(here,)), visit(hidden=False, establishments=(here,))
    schools.follow()
    ids = f"(SELECT c_folder_id FROM sogo_folder_info WHERE c_path2 = '{OWNER}' AND c_path4 = '{here.lower()}')"
    state = f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM sogo_store t WHERE c_folder_id IN {ids};"
    before = sql(site, state)
    schools.follow()
    assert sql(site, state) == before
    people.change(mover.account, mpEstablishment=[elsewhere])
    schools.follow()
    again = dataclasses.replace(mover, cookies={}, sso_cookies={}).login()
    assert set(listed(again)) == {elsewhere.lower()}
    assert again.propfind(f"Contacts/{here.lower()}/", owner=OWNER).status in (403, 404)
    cards = stayer.propfind(f"Contacts/{here.lower()}/", owner=OWNER).text
    assert f"{stayer.account.uid}-" in cards and f"{mover.account.uid}-" not in cards


def test_nobody_is_the_owner_or_finds_it(schools: Schools, visit: Callable[..., Groupware]) -> None:
    here = schools.create("Collège")
    agent = visit(hidden=False, establishments=(here,))
    schools.follow()
    for word in (OWNER[:14], "calendars.invalid", "établissement"):
        for search in ("usersSearch?search=", "Contacts/allContactSearch?excludeGroups=0&excludeLists=0&search="):
            assert OWNER not in agent.get(agent.own(f"{search}{word}").replace("é", "%C3%A9")).text
    nobody = Account(OWNER, f"{OWNER}@calendars.invalid", "*", "convergence")
    visitor = dataclasses.replace(agent, account=nobody, cookies={}, sso_cookies={})
    assert visitor.propfind("Contacts/").status == 401
    assert not visitor.enters()
    assert dataclasses.replace(agent, cookies={}, sso_cookies={}).enters()
