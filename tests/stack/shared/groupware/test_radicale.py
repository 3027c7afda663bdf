"""Radicale, through the devices' address: whole events and contacts, notified changes, no access to another's tree."""

import base64
import contextlib
import itertools
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from testinfra.host import Host

from tests.stack.support.dav import CARD_TEXT, EVENT, Device, responses
from tests.stack.support.mail import wait_for
from tests.stack.support.people import People

pytestmark = pytest.mark.scattered

STORE = "/var/lib/radicale/collections/collection-root"


QUERY = """<c:calendar-query xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">
<d:prop><c:calendar-data/></d:prop><c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT">
<c:time-range start="{}" end="{}"/></c:comp-filter></c:comp-filter></c:filter></c:calendar-query>"""
ZONED = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//EN
BEGIN:VTIMEZONE
TZID:Europe/Lisbon
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:{0}
TZOFFSETTO:{0}
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:zone
DTSTAMP:20270101T000000Z
DTSTART;TZID=Europe/Lisbon:20270105T140000
DURATION:PT30M
SUMMARY:Conseil
END:VEVENT
END:VCALENDAR
"""
"""An event at 14:00 of a zone with that offset; no other test uses that zone's name."""


def put(device: Device, path: str, text: str, **headers: str) -> Any:
    kind = "text/vcard" if path.endswith(".vcf") else "text/calendar"
    return device.ask("PUT", path, text, Content_Type=f"{kind}; charset=utf-8", **headers)


def test_a_first_visit_finds_an_agenda_and_an_address_book(device: Callable[..., Device]) -> None:
    mine = device()
    principal, agendas, books = mine.discover()
    assert principal == f"/radicale/{mine.account.uid}/"
    assert agendas == {f"{principal}agenda/": "Agenda"}
    assert books == {f"{principal}contacts/": "Contacts"}


def test_an_event_with_accents_comes_back_whole_and_can_be_searched(device: Callable[..., Device]) -> None:
    mine = device()
    agenda = next(iter(mine.discover()[1]))
    text = EVENT.format(uid="essai-1", summary="Conseil de classe — œuvre d’été à 10 €")
    assert put(mine, f"{agenda}essai-1.ics", text).status == 201
    back = mine.ask("GET", f"{agenda}essai-1.ics")
    assert "Conseil de classe — œuvre d’été à 10 €" in back.text
    assert "Salle des maîtres\\, 2ᵉ étage" in back.text
    held = mine.ask("REPORT", agenda, QUERY.format("20270105T000000Z", "20270106T000000Z"), Depth="1")
    assert list(responses(held)) == [f"{agenda}essai-1.ics"]
    assert "œuvre d’été" in held.text
    assert not responses(mine.ask("REPORT", agenda, QUERY.format("20270201T000000Z", "20270202T000000Z"), Depth="1"))


def test_a_zone_that_one_agent_describes_moves_no_other_s_times(device: Callable[..., Device]) -> None:
    hours = {"+0900": "0500", "+0000": "1400"}
    devices = {offset: device() for offset in hours}
    agendas = {offset: next(iter(one.discover()[1])) for offset, one in devices.items()}
    for offset, one in devices.items():
        assert put(one, f"{agendas[offset]}zone.ics", ZONED.format(offset)).status == 201
    for offset, one in devices.items():
        for at in hours.values():
            query = QUERY.format(f"20270105T{at}00Z", f"20270105T{int(at) + 10:04}00Z")
            answers = list(responses(one.ask("REPORT", agendas[offset], query, Depth="1")))
            assert answers == ([f"{agendas[offset]}zone.ics"] if at == hours[offset] else []), (offset, at)


@pytest.mark.parametrize(
    ("rule", "taken"),
    [("FREQ=WEEKLY;UNTIL=20270701T000000Z", True), ("FREQ=SECONDLY;COUNT=999999999", False),
     ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", False)],
)  # fmt: skip
def test_a_rule_that_nobody_could_walk_through_is_refused(
    device: Callable[..., Device], rule: str, *, taken: bool
) -> None:
    mine = device()
    agenda = next(iter(mine.discover()[1]))
    text = EVENT.format(uid="essai-5", summary="Répété").replace("END:VEVENT", f"RRULE:{rule}\r\nEND:VEVENT")
    assert put(mine, f"{agenda}essai-5.ics", text).status == (201 if taken else 400)
    assert mine.ask("GET", f"{agenda}essai-5.ics").status == (200 if taken else 404)


def test_a_contact_with_accents_comes_back_whole(device: Callable[..., Device]) -> None:
    mine = device()
    book = next(iter(mine.discover()[2]))
    assert put(mine, f"{book}essai-2.vcf", CARD_TEXT.format(uid="essai-2", name="Élodie Lefèvre-Ÿvon")).status == 201
    assert "Élodie Lefèvre-Ÿvon" in mine.ask("GET", f"{book}essai-2.vcf").text
    multiget = (
        '<a:addressbook-multiget xmlns:d="DAV:" xmlns:a="urn:ietf:params:xml:ns:carddav">'
        f"<d:prop><a:address-data/></d:prop><d:href>{book}essai-2.vcf</d:href></a:addressbook-multiget>"
    )
    assert "Lefèvre;Élodie" in mine.ask("REPORT", book, multiget, Depth="1").text


def test_another_s_tree_is_closed(device: Callable[..., Device]) -> None:
    theirs, mine = device(), device()
    agenda = next(iter(theirs.discover()[1]))
    put(theirs, f"{agenda}essai-4.ics", EVENT.format(uid="essai-4", summary="secret"))
    methods = ("PROPFIND", "GET", "PUT", "DELETE", "REPORT", "MKCALENDAR", "PROPPATCH")
    for method, place in itertools.product(methods, ("", "agenda/", "agenda/essai-4.ics", "nouveau/")):
        path = f"/radicale/{theirs.account.uid}/{place}"
        answer = mine.ask(method, path, EVENT.format(uid="essai-4", summary="volé"))
        assert (answer.status, "secret" in answer.text) == (403, False), (method, place)
    assert "secret" in theirs.ask("GET", f"{agenda}essai-4.ics").text


def test_an_event_cannot_be_moved_into_another_s_tree(device: Callable[..., Device]) -> None:
    theirs, mine = device(), device()
    theirs.discover()
    path = f"{next(iter(mine.discover()[1]))}essai-5.ics"
    put(mine, path, EVENT.format(uid="essai-5", summary="à moi"))
    there = f"https://{mine.name}/radicale/{theirs.account.uid}/agenda/essai-5.ics"
    assert mine.ask("MOVE", path, Destination=there).status == 403
    assert "à moi" in mine.ask("GET", path).text
    own = path.replace("essai-5.ics", "essai-6.ics")
    assert mine.ask("MOVE", path, Destination=f"https://{mine.name}{own}").status in (201, 204)
    assert "à moi" in mine.ask("GET", own).text


def test_no_way_of_writing_an_address_opens_another_s_tree(device: Callable[..., Device]) -> None:
    theirs, mine = device(), device()
    theirs.discover()
    for way in ("x/../{}/agenda/", "./{}/", "//{}/", "%2e%2e/radicale/{}/", "{}%2fagenda/"):
        path = f"/radicale/{way.format(theirs.account.uid)}"
        assert mine.ask("PROPFIND", path, Depth="1").status in (400, 403, 404), way


def test_a_tree_and_a_whole_agenda_cannot_be_swept_away(device: Callable[..., Device]) -> None:
    mine = device()
    principal, agendas, _books = mine.discover()
    agenda = next(iter(agendas))
    put(mine, f"{agenda}essai-6.ics", EVENT.format(uid="essai-6", summary="gardé"))
    assert mine.ask("DELETE", principal).status == 403
    assert mine.ask("PUT", agenda, EVENT.format(uid="z", summary="z"), Content_Type="text/calendar").status == 403
    assert "gardé" in mine.ask("GET", f"{agenda}essai-6.ics").text


def test_a_second_agenda_can_be_made_named_and_removed(device: Callable[..., Device]) -> None:
    mine = device()
    principal = mine.discover()[0]
    body = (
        '<c:mkcalendar xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:set><d:prop>'
        "<d:displayname>Réunions d’équipe</d:displayname></d:prop></d:set></c:mkcalendar>"
    )
    where = f"{principal}{quote('réunions')}/"
    assert mine.ask("MKCALENDAR", where, body).status == 201
    assert mine.discover()[1][where] == "Réunions d’équipe"
    assert mine.ask("DELETE", where).status == 200
    assert where not in mine.discover()[1]


def test_one_agent_s_requests_leave_radicale_to_others(device: Callable[..., Device]) -> None:
    """Eight requests whose bodies do not end; the agent's next one is refused, a colleague's is not."""
    mine, other = device(), device()
    agenda = next(iter(mine.discover()[1]))
    pair = base64.b64encode(f"{mine.account.uid}:{mine.account.password}".encode()).decode()
    head = (
        f"PUT {agenda}long.ics HTTP/1.1\r\nHost: {mine.name}\r\nAuthorization: Basic {pair}\r\n"
        "Content-Type: text/calendar\r\nContent-Length: 1000\r\n\r\nBEGIN"
    )
    with contextlib.ExitStack() as open_ones:

        def begin() -> None:
            one = open_ones.enter_context(mine.web.handshake(mine.address, mine.name))
            one.sendall(head.encode())

        def refused() -> bool:
            if mine.ask("PROPFIND", agenda, Depth="0").status == 429:
                return True
            begin()  # in the place of one that a busy machine put off
            return False

        for _ in range(8):
            begin()
        wait_for(refused, what="the agent's share is used")
        assert other.discover()[1]
    wait_for(lambda: mine.ask("PROPFIND", agenda, Depth="0").status == 207, what="the share is free again")


def test_what_a_visitor_sends_to_another_site_takes_no_place_of_an_agent(
    device: Callable[..., Device], platform: Any
) -> None:
    """The webmail counts by a cookie, in the same table; somebody gives it the agent's name."""
    mine, name = device(), platform["hostnames"]["webmail"]
    agenda, cookie = next(iter(mine.discover()[1])), f"roundcube_sessid={mine.account.uid}"
    head = f"POST / HTTP/1.1\r\nHost: {name}\r\nCookie: {cookie}\r\nContent-Length: 1000\r\n\r\nx"
    with contextlib.ExitStack() as open_ones:
        for _ in range(16):
            one = open_ones.enter_context(mine.web.handshake(mine.address, name))
            one.sendall(head.encode())
        wait_for(lambda: mine.web.get(mine.address, name, "/", Cookie=cookie).status == 429, what="its share is used")
        assert mine.ask("PROPFIND", agenda, Depth="0").status == 207


def test_what_is_too_large_is_refused(device: Callable[..., Device]) -> None:
    mine = device()
    path = f"{next(iter(mine.discover()[1]))}gros.ics"
    text = EVENT.format(uid="gros", summary="x" * (21 * 1048576))
    assert put(mine, path, text).status == 413


def test_only_the_web_server_can_come_in(mail1: Host) -> None:
    """The header that names the agent is believed: it must come from nobody else."""
    assert ":5232" not in mail1.check_output("ss -Hlnt")
    forged = (
        "curl -s -o /dev/null -w '%{http_code}' --max-time 5 -X PROPFIND"
        " -H 'X-Remote-User: probe1' -H 'X-Forwarded-For: 192.0.2.1'"
    )
    inside = f"{forged} --unix-socket /run/radicale/http.sock http://x/radicale/probe1/"
    for user, group in (("nobody", "nogroup"), ("vmail", "vmail"), ("dav-router", "dav-router")):
        as_user = f"setpriv --reuid {user} --regid {group} --clear-groups"
        assert mail1.run(f"{as_user} {inside}").stdout == "000", user
        assert mail1.run(f"{as_user} {forged} http://127.0.0.1:5232/").stdout == "000", user
    assert mail1.run(f"setpriv --reuid www-data --regid www-data --clear-groups {inside}").stdout == "207"


def test_a_forged_name_is_replaced(device: Callable[..., Device], people: People) -> None:
    mine, other = device(), people.agent()
    for header in ("X-Remote-User", "X_Remote_User", "Remote-User"):
        found = mine.ask("PROPFIND", "/", Depth="0", **{header: other.uid})
        assert list(responses(found)) == [f"/radicale/{mine.account.uid}/"]


def test_radicale_has_no_way_out_and_no_password(mail1: Host) -> None:
    properties = mail1.check_output("systemctl show radicale.service -p PrivateNetwork,ProtectSystem,User")
    assert "PrivateNetwork=yes" in properties
    assert "ProtectSystem=strict" in properties
    assert "User=radicale" in properties
    pid = mail1.check_output("systemctl show -P MainPID radicale.service")
    # A session of ssh enters no namespace.
    inside = f"systemd-run --quiet --wait --pipe nsenter -t {pid} -n"
    assert "5232" in mail1.check_output(f"{inside} ss -Hlnt")
    assert mail1.check_output(f"{inside} ip -brief link").split()[0] == "lo"
    assert len(mail1.check_output(f"{inside} ip -brief link").splitlines()) == 1


def test_files_belong_to_radicale_alone(device: Callable[..., Device], mail1: Host) -> None:
    mine = device()
    put(mine, f"{next(iter(mine.discover()[1]))}essai-7.ics", EVENT.format(uid="essai-7", summary="x"))
    for one in (STORE, f"{STORE}/{mine.account.uid}", f"{STORE}/{mine.account.uid}/agenda/essai-7.ics"):
        found = mail1.file(one)
        assert (found.user, found.group, found.mode & 0o007) == ("radicale", "radicale", 0), one


PATCH = '<d:propertyupdate xmlns:d="DAV:"><d:{act}><d:prop>{prop}</d:prop></d:{act}></d:propertyupdate>'


def test_a_collection_stays_what_it_is(device: Callable[..., Device]) -> None:
    """Without its kind nobody would have a right on it, its owner included."""
    mine = device()
    agenda = next(iter(mine.discover()[1]))
    assert put(mine, f"{agenda}essai-1.ics", EVENT.format(uid="essai-1", summary="Avant")).status == 201
    for act, prop in (
        ("set", "<d:resourcetype><d:collection/></d:resourcetype>"),
        ("set", "<d:resourcetype/><d:displayname>Autre</d:displayname>"),
        ("remove", "<d:resourcetype/>"),
    ):
        refused = mine.ask("PROPPATCH", agenda, PATCH.format(act=act, prop=prop), Content_Type="application/xml")
        assert refused.status == 400, refused.text
    named = PATCH.format(act="set", prop="<d:displayname>Agenda de Zoé</d:displayname>")
    assert mine.ask("PROPPATCH", agenda, named, Content_Type="application/xml").status == 207
    assert mine.discover()[1] == {agenda: "Agenda de Zoé"}
    assert "SUMMARY:Avant" in mine.ask("GET", f"{agenda}essai-1.ics").text
