"""Agendas of functional boxes, and address books of teams: delegates write and read, nobody else sees them.

Meetings go by the mail of the box.
"""

import dataclasses
import json
import re
import secrets
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.utils import parseaddr
from typing import Any

import pytest
from malleposte.directory.model import FunctionalBox

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.calendars import school, sql
from tests.stack.support.dav import CARD_TEXT, EVENT, Device, summaries
from tests.stack.support.groupware import Groupware, event
from tests.stack.support.mail import Mail, quoted, token, wait_for
from tests.stack.support.people import People, directory
from tests.stack.support.site import Account, Site
from tests.stack.support.webmail import Webmail

pytestmark = pytest.mark.together("box-agendas")

ICS, VCF = "text/calendar", "text/vcard"
HOME, BOOK = "Calendar/personal/", "Contacts/personal/"
DELEGATED = """<d:propfind xmlns:d="DAV:" xmlns:c="http://calendarserver.org/ns/"><d:prop><c:calendar-proxy-write-for/></d:prop>
</d:propfind>"""
Visit = Callable[..., Groupware]


@dataclasses.dataclass
class Boxes:
    """Makes boxes with an agenda, and removes what SOGo has of them at the end."""

    site: Site
    people: People
    made: list[str] = dataclasses.field(default_factory=list)

    def shared(self, *delegates: Groupware | Device, name: str = "", team: str = "") -> FunctionalBox:
        """A box whose delegates share an agenda."""
        box = self.people.box(
            *(one.account.uid for one in delegates),
            agenda=True,
            name=name or f"Accueil {secrets.token_hex(4)}",
            team=team,
        )
        self.made.append(box.uid)
        self.follow()
        return box

    def follow(self) -> None:
        """The timer's work, now."""
        self.site.run_job(self.site.host_of("web"), "malleposte-sogo-sync.service")

    def clear(self) -> None:
        """Remove what is in SOGo's tables."""
        for uid in self.made:
            ids = f"(SELECT c_folder_id FROM sogo_folder_info WHERE c_path2 = '{uid}')"
            for table in (
                "sogo_quick_appointment", "sogo_quick_contact", "sogo_store", "sogo_acl", "sogo_folder_info",
            ):  # fmt: skip
                sql(self.site, f"DELETE FROM {table} WHERE c_folder_id IN {ids};")
            for table in ("malleposte_box_agendas", "malleposte_team_books"):
                sql(self.site, f"DELETE FROM {table} WHERE ident = '{uid}';")


@pytest.fixture
def boxes(site: Site, people: People) -> Iterator[Boxes]:
    made = Boxes(site, people)
    yield made
    made.clear()


def listed(agent: Groupware) -> dict[str, dict[str, Any]]:
    """The agendas in an agent's list, as SOGo's page has it, by their owners."""
    return {one["owner"]: one for one in agent.get(agent.own("Calendar/calendarslist")).json()["calendars"]}


def refused(agent: Groupware, box: FunctionalBox, item: str) -> bool:
    """Whether an agent neither sees the agenda of a box nor reads nor writes in it."""
    answers = (
        agent.propfind(HOME, owner=box.uid).status,
        agent.fetch(f"{HOME}{item}", owner=box.uid).status,
        agent.put(f"{HOME}{item}", event("x", "Intrus"), ICS, owner=box.uid),
        agent.put(f"{HOME}{token()}.ics", event(token(), "Intrus"), ICS, owner=box.uid),
        agent.delete(f"{HOME}{item}", owner=box.uid),
    )
    assert all(status in (403, 404) for status in answers) or all(status in (201, 204, 207, 200) for status in answers)
    return answers[0] in (403, 404) and box.uid not in listed(agent)


def test_delegates_write_and_read_and_who_is_none_or_is_one_no_more_is_refused(
    boxes: Boxes, visit: Visit, site: Site
) -> None:
    first, second, stranger = visit(), visit(), visit()
    box = boxes.shared(first, second)
    for one in (first, second):
        shown = listed(one)[box.uid]
        assert shown["name"] == f"Agenda ({box.name})"
        assert (shown["active"], shown["acls"]["objectCreator"], shown["acls"]["objectEraser"]) == (1, 1, 1)
    uid, hidden = token(), token()
    assert first.put(f"{HOME}{uid}.ics", event(uid, "Conseil de classe"), ICS, owner=box.uid) == 201
    private = event(hidden, "Entretien", "CLASS:PRIVATE")
    assert first.put(f"{HOME}{hidden}.ics", private, ICS, owner=box.uid) == 201
    assert "Conseil de classe" in second.fetch(f"{HOME}{uid}.ics", owner=box.uid).text
    assert "Entretien" in second.fetch(f"{HOME}{hidden}.ics", owner=box.uid).text
    assert second.put(f"{HOME}{uid}.ics", event(uid, "Conseil reporté"), ICS, owner=box.uid) == 204
    assert "Conseil reporté" in first.fetch(f"{HOME}{uid}.ics", owner=box.uid).text
    assert second.delete(f"{HOME}{hidden}.ics", owner=box.uid) == 204
    assert refused(stranger, box, f"{uid}.ics")
    busy = stranger.get(f"/SOGo/so/{box.uid}/freebusy.ifb/ajaxRead?sday=20300114&eday=20300116")
    assert "1" not in busy.text or busy.status != 200, busy.text
    Cli(site).out("box", "undelegate", box.uid, second.account.uid)
    boxes.follow()
    former = dataclasses.replace(second, cookies={}, sso_cookies={}).login()
    assert refused(former, box, f"{uid}.ics")
    assert "Conseil reporté" in first.fetch(f"{HOME}{uid}.ics", owner=box.uid).text
    assert box.uid in listed(dataclasses.replace(first, cookies={}, sso_cookies={}).login())


def test_a_delegate_of_the_light_class_reads_a_copy_that_follows_and_nobody_else_has_it(
    boxes: Boxes, visit: Visit, device: Callable[..., Device], site: Site
) -> None:
    writer, light, stranger = visit(), device(profile="roundcube"), device(profile="roundcube")
    box = boxes.shared(writer, light, name=f"Équipe {secrets.token_hex(4)}")
    uid = token()
    assert writer.put(f"{HOME}{uid}.ics", event(uid, "Conseil de classe", "CLASS:PRIVATE"), ICS, owner=box.uid) == 201
    boxes.follow()

    def copies(one: Device) -> list[str]:
        return [home for home, name in one.discover()[1].items() if name == box.name]

    (home,) = wait_for(lambda: copies(light), what="the copy in the home of the delegate")
    (item,) = light.changes(home)[1]
    assert "SUMMARY:Conseil de classe" in light.ask("GET", item).text
    text = EVENT.format(uid="essai", summary="à moi")
    for where in (f"{home}essai.ics", item):
        assert light.ask("PUT", where, text, Content_Type="text/calendar; charset=utf-8").status == 403
    assert light.ask("DELETE", item).status == 403
    theirs = item.replace(light.account.uid, stranger.account.uid)
    assert copies(stranger) == [] and stranger.ask("GET", theirs).status in (403, 404)
    assert stranger.ask("GET", item).status in (403, 404)

    assert writer.put(f"{HOME}{uid}.ics", event(uid, "Conseil reporté"), ICS, owner=box.uid) == 204
    boxes.follow()
    wait_for(lambda: "Conseil reporté" in light.ask("GET", item).text, what="the change in the copy")
    Cli(site).out("box", "undelegate", box.uid, light.account.uid)
    boxes.follow()
    wait_for(lambda: not copies(light), what="the end of the copy")
    assert light.ask("GET", item).status in (403, 404)


@pytest.mark.full
def test_a_reader_of_a_team_sees_its_agenda_and_changes_nothing(boxes: Boxes, visit: Visit, site: Site) -> None:
    lead, reader, cli = visit(), visit(), Cli(site)
    team = boxes.shared(lead, team="@dsi")
    with directory(site) as bound:
        bound.modify(team.dn(bound.suffix), {"mpManager": [lead.account.uid]})
    cli.out("team", "add", team.uid, reader.account.uid, "--role", "lit")
    boxes.follow()
    reader = dataclasses.replace(reader, cookies={}, sso_cookies={}).login()
    uid = token()
    item = f"{HOME}{uid}.ics"
    assert lead.put(item, event(uid, "Revue", "CLASS:PRIVATE"), ICS, owner=team.uid) == 201
    assert "Revue" in reader.fetch(item, owner=team.uid).text and team.uid in listed(reader)
    assert reader.put(item, event(uid, "Autre"), ICS, owner=team.uid) == 403
    assert reader.put(f"{HOME}{token()}.ics", event(token(), "Intrus"), ICS, owner=team.uid) == 403
    assert reader.delete(item, owner=team.uid) == 403
    cli.out("team", "role", team.uid, "participe", reader.account.uid)
    boxes.follow()
    writer = dataclasses.replace(reader, cookies={}, sso_cookies={}).login()
    assert writer.put(item, event(uid, "Revue reportée"), ICS, owner=team.uid) == 204
    cli.out("team", "remove", team.uid, reader.account.uid)
    boxes.follow()
    former = dataclasses.replace(reader, cookies={}, sso_cookies={}).login()
    assert refused(former, team, f"{uid}.ics")


def card(name: str) -> str:
    """A card of this name and UID."""
    return CARD_TEXT.format(uid=name, name=name)


def books(agent: Groupware) -> dict[str, str]:
    """The names of the address books in an agent's list, by their owners."""
    every = agent.get(agent.own("Contacts/addressbooksList")).json()["addressbooks"]
    return {str(one.get("owner", "")): str(one["name"]) for one in every}


def team_books(page: Webmail, name: str) -> list[str]:
    """The identifiers of the address books of this name in the light webmail."""
    sources = page.env(page.page(_task="addressbook"))["address_sources"]
    return [ident for ident, one in sources.items() if one["name"] == name]


def test_the_address_book_of_a_team_is_written_by_members_read_by_readers_and_seen_by_nobody_else(
    boxes: Boxes, visit: Visit, device: Callable[..., Device], webmail: Callable[[], Webmail], site: Site
) -> None:
    lead, member, reader, stranger, cli = visit(), visit(), visit(), visit(), Cli(site)
    light, outside = device(profile="roundcube"), device(profile="roundcube")
    team = boxes.shared(lead, member, light, name=f"Équipe {secrets.token_hex(4)}", team="@dsi")
    with directory(site) as bound:
        bound.modify(team.dn(bound.suffix), {"mpManager": [lead.account.uid]})
    cli.out("team", "add", team.uid, reader.account.uid, "--role", "lit")
    boxes.follow()
    lead, member, reader = (
        dataclasses.replace(one, cookies={}, sso_cookies={}).login() for one in (lead, member, reader)
    )
    names = [books(one).get(team.uid) for one in (lead, member, reader, stranger)]
    assert names == [f"Carnet d’adresses ({team.name})"] * 3 + [None]
    first = f"{BOOK}{token()}.vcf"
    assert lead.put(first, card("Durand"), VCF, owner=team.uid) == 201
    assert member.put(first, card("Dupond"), VCF, owner=team.uid) == 204
    assert "Dupond" in reader.fetch(first, owner=team.uid).text

    def refuses(agent: Groupware) -> bool:
        writes = (
            agent.put(first, card("Autre"), VCF, owner=team.uid),
            agent.put(f"{BOOK}{token()}.vcf", card("Intrus"), VCF, owner=team.uid),
            agent.delete(first, owner=team.uid),
        )
        return all(status in (403, 404) for status in writes)

    def blind(agent: Groupware) -> bool:
        return (
            refuses(agent) and agent.fetch(first, owner=team.uid).status in (403, 404) and team.uid not in books(agent)
        )

    assert refuses(reader) and blind(stranger)
    assert f"Contacts/{team.uid}_personal/" in reader.propfind("Contacts/").text, "on devices"

    def copies(one: Device) -> list[str]:
        return [home for home, name in one.discover()[2].items() if name == team.name]

    boxes.follow()
    (home,) = wait_for(lambda: copies(light), what="the copy in the home of the light class")
    assert summaries(light, home, "FN:") == ["Dupond"] and copies(outside) == []
    (item,) = light.changes(home)[1]
    assert light.ask("PUT", f"{home}x.vcf", card("Intrus"), Content_Type=VCF).status == 403
    assert light.ask("DELETE", item).status == 403 and outside.ask("GET", item).status in (403, 404)
    theirs = item.replace(light.account.uid, outside.account.uid)
    assert outside.ask("GET", theirs).status in (403, 404)

    here, there = webmail(), webmail()
    for page, one in ((here, light), (there, outside)):
        assert page.login(one.account.uid, one.account.password)
    assert team_books(there, team.name) == []
    (source,) = team_books(here, team.name)
    contacts = str(here.call(_task="addressbook", _action="list", _source=source)["exec"])
    assert "Dupond" in contacts
    searched = {"_q": "elodie@", "_headers": "email", "_scope": "base"}
    assert "Dupond" in str(here.call(_task="addressbook", _action="search", _source=source, **searched)["exec"])
    (number,) = re.findall(r"add_contact_row\(\"([0-9a-f]{16})", contacts)
    here.call({"_cid": number, "_source": source}, _task="addressbook", _action="delete")
    assert "Dupond" in str(here.call(_task="addressbook", _action="list", _source=source)["exec"])
    assert "Dupond" not in str(there.call(_task="addressbook", _action="list", _source=source)["exec"])

    cli.out("team", "remove", team.uid, member.account.uid)
    cli.out("team", "remove", team.uid, light.account.uid)
    boxes.follow()
    assert blind(dataclasses.replace(member, cookies={}, sso_cookies={}).login())
    wait_for(lambda: not copies(light), what="the end of the copy")
    assert "Dupond" in reader.fetch(first, owner=team.uid).text


@pytest.mark.full
def test_the_address_book_of_a_team_follows_a_member_who_changes_class_and_ends_in_the_archive(
    boxes: Boxes, visit: Visit, device: Callable[..., Device], site: Site
) -> None:
    lead, member, cli = visit(), visit(), Cli(site)
    team = boxes.shared(lead, member, name=f"Équipe {secrets.token_hex(4)}", team="@dsi")
    with directory(site) as bound:
        bound.modify(team.dn(bound.suffix), {"mpManager": [lead.account.uid]})
    assert member.put(f"{BOOK}durand.vcf", card("Durand"), VCF, owner=team.uid) == 201
    cli.out("profile", member.account.uid, "roundcube")
    boxes.follow()
    light = device(dataclasses.replace(member.account, profile="roundcube"))
    homes = wait_for(lambda: [home for home, name in light.discover()[2].items() if name == team.name], what="the copy")
    assert summaries(light, homes[0], "FN:") == ["Durand"]
    cli.out("profile", member.account.uid, "convergence")
    boxes.follow()
    member = dataclasses.replace(member, cookies={}, sso_cookies={}).login()
    assert books(member)[team.uid] == f"Carnet d’adresses ({team.name})"
    assert member.put(f"{BOOK}dupond.vcf", card("Dupond"), VCF, owner=team.uid) == 201
    cli.out("profile", member.account.uid, "roundcube")
    boxes.follow()
    archive = cli.out("team", "end", team.uid, "--yes", "--reason", "essai").split("archived in ")[1].split(";")[0]
    boxes.people.forget(team.uid)
    names = site.run(site.host_of("directory"), f"python3 -m zipfile -l {archive}; rm -f -- {archive}")
    assert "sogo/personal-Carnet d’adresses/durand.vcf" in names, names
    assert sql(site, f"SELECT count(*) FROM sogo_folder_info WHERE c_path2 = '{team.uid}';") == "0"
    boxes.follow()
    wait_for(lambda: team.name not in light.discover()[2].values(), what="the end of the copy")
    assert team.uid not in books(dataclasses.replace(lead, cookies={}, sso_cookies={}).login())


@pytest.mark.full
def test_devices_of_a_delegate_find_it_and_nobody_logs_in_by_its_name(boxes: Boxes, visit: Visit) -> None:
    delegate, stranger = visit(), visit()
    box = boxes.shared(delegate)
    uid = token()
    assert delegate.put(f"{HOME}{uid}.ics", event(uid, "Portes ouvertes"), ICS, owner=box.uid) == 201
    home = delegate.propfind("Calendar/")
    assert f"Calendar/{box.uid}_personal/" in home.text, home.text
    assert uid in delegate.propfind(f"Calendar/{box.uid}_personal/").text
    assert box.uid not in stranger.propfind("Calendar/").text
    assert f"/dav/{box.uid}/" in delegate.propfind("", depth="0", body=DELEGATED).text, "no way for macOS and DAVx⁵"
    assert box.uid not in stranger.propfind("", depth="0", body=DELEGATED).text
    nobody = Account(box.uid, box.mail, "mot de passe", "convergence")
    visitor = dataclasses.replace(delegate, account=nobody, cookies={}, sso_cookies={})
    assert visitor.propfind("Calendar/").status == 401
    assert not visitor.enters()
    assert dataclasses.replace(delegate, cookies={}, sso_cookies={}).enters()


def _subjects(mail: Mail, delegate: Account, box: FunctionalBox) -> str:
    session = mail.imap(delegate)
    if session.select(quoted(f"Partages/{box.uid}/INBOX"))[0] != "OK":
        return ""
    return str(session.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT FROM)])")[1])


def test_an_invitation_of_the_box_comes_by_mail_and_is_in_the_agenda_and_books_nothing(
    boxes: Boxes, visit: Visit, mail: Mail
) -> None:
    delegate, colleague = visit(), visit()
    box = boxes.shared(delegate)
    for uid in (first := token(), second := token()):
        text = event(
            uid,
            f"Visite {uid}",
            f"ORGANIZER:mailto:{colleague.account.mail}",
            f"ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{box.mail}",
        )
        assert colleague.put(f"{HOME}{uid}.ics", text, ICS) == 201
        kept = colleague.fetch(f"{HOME}{uid}.ics").text.replace("\r\n ", "")
        assert "PARTSTAT=ACCEPTED" not in kept, "it is no room"
    for uid in (first, second):
        wait_for(lambda uid=uid: uid in _subjects(mail, delegate.account, box), what="the invitation in the box")
        assert uid in delegate.propfind(HOME, owner=box.uid).text


@pytest.mark.full
def test_a_meeting_in_the_agenda_is_organized_by_the_box(boxes: Boxes, visit: Visit, mail: Mail) -> None:
    delegate, guest = visit(), visit()
    box = boxes.shared(delegate)
    assert guest.propfind(HOME).status == 207, "an agenda is made at its owner's first visit"
    uid = token()
    text = event(
        uid,
        f"Réunion {uid}",
        f"ORGANIZER:mailto:{box.mail}",
        f"ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{guest.account.mail}",
    )
    assert delegate.put(f"{HOME}{uid}.ics", text, ICS, owner=box.uid) == 201
    arrived = message_from_bytes(mail.arrived(guest.account, uid))
    assert parseaddr(arrived["From"])[1] == box.mail
    assert uid in guest.propfind(HOME).text


@pytest.mark.full
def test_it_is_switched_off_and_on_with_its_events_and_ends_with_the_box(
    boxes: Boxes, visit: Visit, site: Site
) -> None:
    cli, delegate, other, here = Cli(site), visit(), visit(), school()
    uid = f"ce.{here.lower()}"
    feed = f"UAI;Dénomination;Agenda\n{here};Collège Été;oui\n"
    done = cli.typed("import", "-", "--yes", "--json", given=feed)
    assert done.returncode == 0, done.stderr
    boxes.made.append(uid)
    box = FunctionalBox(uid, "Collège Été", f"{uid}@{site.place.domain}")
    assert json.loads(cli.out("box", "show", uid, "--json"))["agenda"] == "on"
    cli.out("box", "delegate", uid, delegate.account.uid)
    boxes.follow()
    item = f"{token()}.ics"
    assert delegate.put(f"{HOME}{item}", event(item[:-4], "Rentrée"), ICS, owner=uid) == 201
    assert "nothing" not in cli.out("box", "agenda", uid, "--off")
    boxes.follow()
    assert refused(delegate, box, item)
    assert "already" in cli.out("box", "agenda", uid, "--off")
    cli.out("box", "agenda", uid, "--on")
    boxes.follow()
    assert "Rentrée" in delegate.fetch(f"{HOME}{item}", owner=uid).text
    assert uid in listed(delegate)
    archive = cli.out("box", "end", uid, "--yes").split("archived in ")[1].split(";")[0]
    held = site.run(site.host_of("directory"), f"python3 -m zipfile -l {archive}")
    assert item in held, held
    assert sql(site, f"SELECT count(*) FROM sogo_folder_info WHERE c_path2 = '{uid}';") == "0"
    boxes.follow()
    again = dataclasses.replace(delegate, cookies={}, sso_cookies={}).login()
    assert refused(again, box, item)
    settings = sql(site, f"SELECT c_settings FROM sogo_user_profile WHERE c_uid = '{delegate.account.uid}'")
    assert uid not in settings
    assert box.uid not in listed(other)
    with directory(site) as bound:
        assert not list(bound.search("functional", ("uid",), {"uid": uid}))
