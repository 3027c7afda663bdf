"""A calendar that names a zone of the IANA database without describing it: SOGo reads its hours right."""

import base64
import datetime
import quopri
import zoneinfo
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stack.support.groupware import Groupware, event
from tests.stack.support.mail import Mail, token
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site

pytestmark = pytest.mark.scattered

ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "8bit": lambda content: content,
    "base64": base64.encodebytes,
    "quoted-printable": quopri.encodestring,
}
HOURS = {"Europe/Paris": "14:00", "America/New_York": "20:00", "Asia/Tokyo": "06:00"}
"""An hour of two in the afternoon there, as it is shown in Paris."""


def moment(zone: str) -> int:
    """Return the beginning of the meeting in seconds since 1970."""
    return int(datetime.datetime(2030, 1, 15, 14, tzinfo=zoneinfo.ZoneInfo(zone)).timestamp())


def meeting(uid: str, zone: str, *lines: str) -> str:
    """An event from two to three in the afternoon of a zone."""
    text = event(uid, f"Conseil d’été {uid}", *lines, start="20300115T140000", end="20300115T150000")
    return text.replace("Europe/Paris", zone)


def begins(site: Site, owner: Account) -> list[int]:
    """The beginnings of an agent's events, as SOGo has stored them."""
    query = (
        "SELECT c_startdate FROM sogo_quick_appointment JOIN sogo_folder_info USING (c_folder_id) "
        f"WHERE c_path2 = '{owner.uid}'"
    )
    told = site.run(site.host_of("database"), "psql -U postgres -XAtq sogo", given=query)
    return [int(line) for line in told.split()]


@pytest.fixture
def guest(site: Site, ca_bundle: Path, people: People) -> Groupware:
    """An agent in SOGo."""
    agent = Groupware(site, ca_bundle, people.agent(profile="convergence")).login()
    assert agent.propfind("Calendar/personal").status == 207  # an agenda is made at the first visit
    return agent


@pytest.mark.parametrize(
    ("zone", "encoding"),
    [("Europe/Paris", "base64"), ("America/New_York", "quoted-printable"), ("Asia/Tokyo", "8bit")],
)
def test_an_invitation_is_shown_and_kept_at_its_hour(
    site: Site, mail: Mail, guest: Groupware, zone: str, encoding: str
) -> None:
    word, account = token(), guest.account
    lines = ("ORGANIZER:mailto:voisin@lointain.test", f"ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{account.mail}")
    text = meeting(word, zone, *lines).replace("VERSION:2.0", "VERSION:2.0\r\nMETHOD:REQUEST")
    content = ENCODINGS[encoding](text.replace("\r\n", "\n").encode()).replace(b"\n", b"\r\n")
    head = f"""\
From: voisin@lointain.test
To: {account.mail}
Subject: Invitation {word}
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary=b

--b
Content-Type: text/plain

Bonjour
--b
Content-Type: text/calendar; charset=utf-8; method=REQUEST
Content-Transfer-Encoding: {encoding}

""".replace("\n", "\r\n")
    mail.imap(account).append("INBOX", None, None, head.encode() + content + b"\r\n--b--\r\n")
    number = guest.listed()[0]["uid"]
    shown = guest.get(guest.own(f"Mail/0/folderINBOX/{number}/view")).text
    assert HOURS[zone] in shown
    assert guest.post(guest.own(f"Mail/0/folderINBOX/{number}/2/accept"), {}).status == 204
    assert begins(site, account) == [moment(zone)]


@pytest.mark.parametrize("zone", HOURS)
def test_a_device_stores_an_event_at_its_hour(site: Site, guest: Groupware, zone: str) -> None:
    uid = token()
    assert guest.put(f"Calendar/personal/{uid}.ics", meeting(uid, zone), "text/calendar") == 201
    assert begins(site, guest.account) == [moment(zone)]
    assert f"DTSTART;TZID={zone}:20300115T140000" in guest.fetch(f"Calendar/personal/{uid}.ics").text
