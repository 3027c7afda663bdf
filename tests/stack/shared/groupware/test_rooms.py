"""Rooms and equipment in SOGo's agendas: booked when free and by those who may, else refused; no log-in, no mail."""

import concurrent.futures
import datetime
import html
import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.calendars import school, sql
from tests.stack.support.groupware import Answer, Groupware, event
from tests.stack.support.mail import Mail, compose, token
from tests.stack.support.people import People, directory
from tests.stack.support.site import Account, Site

pytestmark = pytest.mark.together("rooms")

ICS = "text/calendar"
TODAY = datetime.datetime.now(datetime.UTC).date()
DAY = f"{TODAY + datetime.timedelta(days=30):%Y%m%d}"
Visit = Callable[..., Groupware]


@dataclass
class Rooms:
    """Makes rooms as an operator does, and removes them at the end with their agendas."""

    site: Site
    made: list[str] = field(default_factory=list)

    def create(self, *words: str, name: str = "", follow: bool = True) -> str:
        """A room, booked by those whom the words say; its uid."""
        uid = f"salle-{secrets.token_hex(4)}"
        Cli(self.site).out("room", "create", uid, "--name", name or uid, *words)
        self.made.append(uid)
        if follow:
            self.follow()
        return uid

    def follow(self) -> None:
        """The timer's work, now."""
        self.site.run_job(self.site.host_of("web"), "malleposte-sogo-sync.service")

    def clear(self) -> None:
        """Remove what was made. Their names are not kept: a test's name is drawn."""
        with directory(self.site) as bound:
            for uid in self.made:
                bound.delete(f"uid={uid},ou=resources,{bound.suffix}")
        for uid in self.made:
            ids = f"(SELECT c_folder_id FROM sogo_folder_info WHERE c_path2 = '{uid}')"
            for table in ("sogo_quick_appointment", "sogo_store", "sogo_acl", "sogo_folder_info"):
                sql(self.site, f"DELETE FROM {table} WHERE c_folder_id IN {ids};")


@pytest.fixture
def rooms(site: Site) -> Iterator[Rooms]:
    made = Rooms(site)
    yield made
    made.clear()


@pytest.fixture
def visit(site: Site, ca_bundle: Path, people: People) -> Visit:
    """A visitor of SOGo, of an account made for this test."""

    def enter(**changes: Any) -> Groupware:
        agent = Groupware(site, ca_bundle, people.agent(profile="convergence", **changes))
        assert agent.propfind("Calendar/personal/").status == 207
        return agent

    return enter


def book(
    agent: Groupware,
    room: str,
    start: str = "09",
    *more: str,
    uid: str = "",
    end: str = "",
    title: str = "",
    day: str = DAY,
) -> Answer:
    """Invite a room to an event at that hour, by DAV. `more`: further lines of the event."""
    uid, domain = uid or token(), agent.account.mail.partition("@")[2]
    end = end or f"{int(start) + 1:02}"
    text = event(
        uid,
        title or f"Réunion {uid}",
        f"ORGANIZER:mailto:{agent.account.mail}",
        f"ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{room}@{domain}",
        *more,
        start=f"{day}T{start}0000",
        end=f"{day}T{end}0000",
    )
    sent = {"Content-Type": f"{ICS}; charset=utf-8"}
    return agent.request("PUT", agent.dav(f"Calendar/personal/{uid}.ics"), text, basic=True, headers=sent)


def told(refused: Answer) -> str:
    """The words of a refusal."""
    return html.unescape(refused.text)


def accepted(agent: Groupware, uid: str) -> bool:
    """Whether the room of an agent's event has accepted."""
    return "PARTSTAT=ACCEPTED" in agent.fetch(f"Calendar/personal/{uid}.ics").text.replace("\r\n ", "")


def at_once(agents: list[Groupware], act: Callable[[Groupware, str], Answer]) -> tuple[Groupware, str]:
    """All agents act at the same time, each on an event of a uid that is drawn: one wins, who is returned.

    All others are told whose room it is, in French, and no event of theirs is there.
    """
    uids = [token() for _ in agents]
    with concurrent.futures.ThreadPoolExecutor(len(agents)) as pool:
        answers = list(pool.map(act, agents, uids))
    won = [pair for *pair, answer in zip(agents, uids, answers, strict=True) if answer.status < 400]
    assert len(won) == 1, [answer.status for answer in answers]
    for agent, uid, answer in zip(agents, uids, answers, strict=True):
        if uid != won[0][1]:
            assert answer.status == 409 and "est déjà réservée" in told(answer), answer.text
            assert agent.fetch(f"Calendar/personal/{uid}.ics").status == 404, "half of a booking was saved"
    agent, uid = won[0]
    assert accepted(agent, uid)
    return agent, uid


def held(site: Site, room: str) -> list[str]:
    """The uids of the events in a room's agenda, in the order of their days."""
    return sql(
        site,
        "SELECT c_uid FROM sogo_quick_appointment JOIN sogo_folder_info USING (c_folder_id) "
        f"WHERE c_path2 = '{room}' ORDER BY c_startdate;",
    ).split()


def test_of_many_bookings_in_one_second_one_wins_and_the_others_are_told(
    rooms: Rooms, visit: Visit, site: Site
) -> None:
    room, agents = rooms.create(), [visit() for _ in range(5)]
    won = [at_once(agents, lambda agent, uid: book(agent, room, "08", uid=uid))[1]]
    # Weekly events that meet on one day alone, from another day each.
    days = {agent.account.uid: TODAY + datetime.timedelta(days=37 - 7 * step) for step, agent in enumerate(agents)}

    def weekly(agent: Groupware, uid: str) -> Answer:
        day = f"{days[agent.account.uid]:%Y%m%d}"
        return book(agent, room, "10", "RRULE:FREQ=WEEKLY;COUNT=6", uid=uid, day=day)

    won.append(at_once(agents, weekly)[1])
    assert set(held(site, room)) == set(won)


@pytest.mark.full
def test_the_same_from_the_page_and_for_events_that_are_dragged_to_one_day(
    rooms: Rooms, visit: Visit, site: Site
) -> None:
    room, agents = rooms.create(), [visit().login() for _ in range(4)]
    day = TODAY + datetime.timedelta(days=30)

    def save(agent: Groupware, uid: str) -> Answer:
        mail = f"{room}@{agent.account.mail.partition('@')[2]}"
        entry = {
            "summary": "Conseil",
            "startDate": f"{day}",
            "endDate": f"{day}",
            "startTime": "08:00",
            "endTime": "09:00",
            "attendees": [{"name": room, "email": mail, "uid": room, "role": "req-participant"}],
        }
        return agent.post(agent.own(f"Calendar/personal/{uid}.ics/saveAsAppointment"), entry)

    won = at_once(agents, save)[1]
    apart = {agent.account.uid: step for step, agent in enumerate(agents, 1)}
    moved = {agent.account.uid: token() for agent in agents}
    for agent in agents:
        there = f"{day + datetime.timedelta(days=apart[agent.account.uid]):%Y%m%d}"
        assert book(agent, room, "10", uid=moved[agent.account.uid], day=there).status == 201

    def drag(agent: Groupware) -> int:
        path = f"Calendar/personal/{moved[agent.account.uid]}.ics/adjust"
        return agent.post(agent.own(path), {"days": -apart[agent.account.uid], "start": 0, "duration": 0}).status

    with concurrent.futures.ThreadPoolExecutor(len(agents)) as pool:
        answers = list(pool.map(drag, agents))
    (first,) = (agent for agent, status in zip(agents, answers, strict=True) if status < 400)
    assert sorted(answers)[1:] == [409] * (len(agents) - 1)
    # The others are where they were, in their owners' agendas and in the room's.
    rest = [moved[agent.account.uid] for agent in agents if agent is not first]
    assert held(site, room) == [won, moved[first.account.uid], *rest]
    for agent in agents:
        lines = agent.fetch(f"Calendar/personal/{moved[agent.account.uid]}.ics").text
        away = datetime.timedelta(days=0 if agent is first else apart[agent.account.uid])
        assert f"{day + away:%Y%m%d}T100000" in lines


def test_a_free_room_accepts_a_taken_one_refuses_by_its_name_and_is_free_again(rooms: Rooms, visit: Visit) -> None:
    name = f"Salle Été {secrets.token_hex(3)}"
    room = rooms.create(name=name)
    first, second, uid = visit(), visit(), token()
    assert book(first, room, uid=uid, title="Entretien avec Zoé").status == 201
    assert accepted(first, uid)
    refused = book(second, room)
    assert refused.status == 409, refused.text
    assert f"La ressource «\u00a0{name}\u00a0» est déjà réservée" in told(refused)
    assert "Zoé" not in told(refused), "the refusal tells the title of somebody else's event"
    assert book(second, room, "10").status == 201
    assert book(first, room, "08", end="10", uid=uid).status == 204, "its own hour is no obstacle"
    assert book(second, room, "09").status == 409
    assert first.delete(f"Calendar/personal/{uid}.ics") == 204
    assert book(second, room, "09").status == 201


@pytest.mark.full
def test_a_repeated_event_is_refused_where_one_of_its_days_is_taken(rooms: Rooms, visit: Visit) -> None:
    room, first, second = rooms.create(), visit(), visit()
    assert book(first, room).status == 201
    start = TODAY + datetime.timedelta(days=28)
    domain = first.account.mail.partition("@")[2]

    def weekly(days: str, hour: str) -> int:
        text = event(
            (uid := token()),
            "Chaque jour",
            f"ORGANIZER:mailto:{second.account.mail}",
            f"ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:{room}@{domain}",
            f"RRULE:FREQ=DAILY;COUNT={days}",
            start=f"{start:%Y%m%d}T{hour}0000",
            end=f"{start:%Y%m%d}T{hour}3000",
        )
        return second.put(f"Calendar/personal/{uid}.ics", text, ICS)

    assert weekly("5", "09") == 409
    assert weekly("2", "09") == 201
    assert weekly("5", "11") == 201


@pytest.mark.full
def test_equipment_of_which_there_are_two_is_booked_twice_and_no_more(rooms: Rooms, visit: Visit) -> None:
    cars = rooms.create("--kind", "equipment", "--bookings", "2")
    agents = [visit() for _ in range(3)]
    assert [book(agent, cars).status for agent in agents] == [201, 201, 409]


def test_those_who_may_not_book_are_refused_beside_those_who_may(
    rooms: Rooms, visit: Visit, people: People, site: Site
) -> None:
    here = school()
    colleague, named, stranger = visit(establishments=(here,)), visit(), visit()
    head = visit(function=(function := f"Chef {token()}"))
    words = ("--booker", "@school", "--booker", named.account.uid, "--booker", f"fonction={function}")
    room = rooms.create("--uai", here, *words, name="Salle du conseil")
    refused = book(stranger, room)
    assert refused.status == 409
    assert "Vous ne pouvez pas réserver «\u00a0Salle du conseil\u00a0»" in told(refused)
    for hour, agent in (("09", colleague), ("10", named), ("11", head)):
        assert book(agent, room, hour).status == 201
    # Whoever leaves the school books no more.
    people.change(colleague.account, mpEstablishment=["9990001X"])
    rooms.follow()
    assert book(colleague, room, "14").status == 409
    # An event of the stranger stays writable without the room.
    assert stranger.put(f"Calendar/personal/{(uid := token())}.ics", event(uid, "Sans salle"), ICS) == 201
    Cli(site).out("room", "set", room, "--booker", "@everyone")
    rooms.follow()
    assert book(stranger, room, "15").status == 201


def test_it_is_found_as_a_resource_shows_its_hours_and_nothing_more(rooms: Rooms, visit: Visit) -> None:
    name = f"Amphi {secrets.token_hex(3)}"
    room, agent, other, uid = rooms.create(name=name), visit().login(), visit(), token()
    found = agent.get(agent.own(f"usersSearch?search={name[:9].replace(' ', '%20')}")).json()["users"]
    assert [one["uid"] for one in found if one["cn"] == name] == [room]
    assert book(agent, room, uid=uid, title="Confidentiel").status == 201
    assert "FREEBUSY" in other.fetch("freebusy.ifb", room).text
    (item,) = {
        part.split("<")[0]
        for part in other.propfind("Calendar/personal/", room).text.split("href>")
        if part.split("<")[0].endswith(".ics")
    }
    assert "Confidentiel" not in other.request("GET", item, basic=True).text
    assert other.request("DELETE", item, basic=True).status == 403
    assert other.put("Calendar/personal/x.ics", event("x", "Piraté"), ICS, room) == 403


def test_mail_to_it_is_refused_and_no_one_logs_in(
    rooms: Rooms, visit: Visit, people: People, mail: Mail, site: Site
) -> None:
    room, agent = rooms.create(), people.agent()
    address = f"{room}@{agent.mail.partition('@')[2]}"
    inside = mail.submit(agent, agent.mail, address, compose(agent.mail, address, "Salle libre ?"))
    assert inside.code == 550 and "booked in a calendar" in inside.text, inside
    outside = mail.stranger("x@lointain.test", address, compose("x@lointain.test", address, "Salle libre ?"))
    assert outside.code == 550 and "booked in a calendar" in outside.text, outside
    assert mail.submit(agent, agent.mail, agent.mail, compose(agent.mail, agent.mail, token())).accepted
    forged = mail.submit(agent, address, agent.mail, compose(address, agent.mail, "Réservée"))
    assert not forged.accepted, forged
    nobody = Groupware(site, visit().cafile, Account(room, address, "mot de passe", "convergence"))
    assert nobody.propfind("Calendar/").status == 401
    assert not nobody.enters()


@pytest.mark.full
def test_a_feed_makes_rooms_and_the_end_of_one_is_archived(rooms: Rooms, visit: Visit, site: Site) -> None:
    cli, agent, here, uid = Cli(site), visit(), school(), f"salle-{secrets.token_hex(4)}"
    feed = (
        f"Ressource;Intitulé;UAI;Type de ressource;Réservations;Réservable par\n{uid};Atelier;{here};matériel;1;tous\n"
    )
    done = cli.typed("import", "-", "--yes", "--json", given=feed)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["done"] == 1
    row = cli.json("room", "show", uid)
    assert (row["kind"], row["schools"], row["bookers"]) == ("equipment", [here], ["@everyone"])
    assert uid in [one["uid"] for one in cli.json("room", "list")]
    assert uid not in cli.out("list"), "a room is no account"
    rooms.follow()
    assert book(agent, uid).status == 201
    cli.out("room", "set", uid, "--suspend")
    assert book(agent, uid, "11").status == 201, "an event with an unknown address is kept"
    cli.out("room", "set", uid, "--resume")
    other = visit()
    assert book(other, uid, "11").status == 201, "it was booked while it was out of service"
    assert book(other, uid, "09").status == 409
    archive = cli.out("room", "end", uid, "--yes").split("archived in ")[1].split(";")[0]
    held = site.run(site.host_of("directory"), f"python3 -m zipfile -l {archive}")
    assert ".ics" in held, held
    assert sql(rooms.site, f"SELECT count(*) FROM sogo_folder_info WHERE c_path2 = '{uid}';") == "0"
    again = cli("room", "create", uid, "--name", "Encore")
    assert again.returncode == 2 and "never given again" in again.stderr
