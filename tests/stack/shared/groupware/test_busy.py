"""The busy times of a colleague of the light class, on SOGo's page for attendees and on devices of its agents."""

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest

from tests.stack.support.dav import CAL, DAV, SPACES, Device, first
from tests.stack.support.groupware import Groupware, event
from tests.stack.support.mail import token
from tests.stack.support.site import Site
from tests.stack.support.web import Answer

pytestmark = pytest.mark.scattered

ICS = "text/calendar; charset=utf-8"
DAY = datetime.datetime.now(ZoneInfo("Europe/Paris")).date() + datetime.timedelta(days=3)


def put(device: Device, hour: int, uid: str) -> str:
    """An event of one hour on the day; its address."""
    address = f"{first(device.discover()[1])}{uid}.ics"
    text = event(
        uid, "Rendez-vous chez le médecin", start=f"{DAY:%Y%m%d}T{hour:02}0000", end=f"{DAY:%Y%m%d}T{hour + 1:02}0000"
    )
    assert device.ask("PUT", address, text, Content_Type=ICS).status in (201, 204)
    return address


def asked(here: Groupware, uid: str) -> Any:
    """The answer to the page's script."""
    return here.get(f"/SOGo/so/{uid}/freebusy.ifb/ajaxRead?sday={DAY:%Y%m%d}&eday={DAY:%Y%m%d}")


def taken(here: Groupware, uid: str) -> set[int]:
    """The hours of the day that are taken."""
    answer = asked(here, uid)
    assert answer.status == 200 and "médecin" not in answer.text, answer.text
    hours = answer.json().get(f"{DAY:%Y%m%d}", {})
    return {int(hour) for hour, quarters in hours.items() if any(int(one) for one in quarters.values())}


def test_both_classes_are_seen(device: Callable[..., Device], site: Site, ca_bundle: Path, people: Any) -> None:
    mine, light, full = people.agent(profile="convergence"), device(profile="roundcube"), device(profile="convergence")
    here = Groupware(site, ca_bundle, mine)
    assert asked(here, light.account.uid).status == 302, "a visitor is told nothing"
    assert here.enters()
    assert taken(here, light.account.uid) == set()
    address = put(light, 9, token())
    put(full, 14, token())
    assert taken(here, light.account.uid) == {9}
    assert taken(here, full.account.uid) == {14}
    assert light.ask("DELETE", address).status in (200, 204)
    assert taken(here, light.account.uid) == set()


OUTBOX = f'<?xml version="1.0"?><d:propfind {SPACES}><d:prop><c:schedule-outbox-URL/></d:prop></d:propfind>'


def outbox(device: Device) -> str:
    """The address at which a device asks, as its principal says."""
    answer = device.ask("PROPFIND", device.discover()[0], OUTBOX, Depth="0", Content_Type="application/xml")
    tree = ElementTree.fromstring(answer.body)  # noqa: S314 (our own server)
    return str(tree.findtext(f".//{CAL}schedule-outbox-URL/{DAV}href"))


def question(device: Device, maker: str, attendees: list[str]) -> str:
    """The question for their busy times of the day. Moments are those of Paris, in UTC."""
    begin = datetime.datetime.combine(DAY, datetime.time(), ZoneInfo("Europe/Paris")).astimezone(datetime.UTC)
    lines = [
        "BEGIN:VCALENDAR",
        "CALSCALE:GREGORIAN",
        "VERSION:2.0",
        "METHOD:REQUEST",
        f"PRODID:{maker}",
        "BEGIN:VFREEBUSY",
        f"UID:{token()}",
        f"DTEND:{begin + datetime.timedelta(days=1):%Y%m%dT%H%M%SZ}",
        *attendees,
        f"DTSTART:{begin:%Y%m%dT%H%M%SZ}",
        f"DTSTAMP:{begin:%Y%m%dT%H%M%SZ}",
        f"ORGANIZER:mailto:{device.account.mail}",
        "END:VFREEBUSY",
        "END:VCALENDAR",
        "",
    ]
    return "\r\n".join(lines)


def as_apple(device: Device, *mails: str, anonymous: bool = False) -> Answer:
    """The request of Apple's calendar: all guests in one."""
    device.program = "macOS/15.1 (24B83) CalendarAgent/1080"
    maker = "-//Apple Inc.//macOS 15.1//EN"
    text = question(device, maker, [f"ATTENDEE;CUTYPE=INDIVIDUAL:mailto:{mail}" for mail in mails])
    return device.ask("POST", outbox(device), text, anonymous=anonymous, Content_Type="text/calendar")


def as_thunderbird(device: Device, mail: str) -> Answer:
    """The request of Thunderbird: one for each guest."""
    device.program = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.5.0"
    maker = "-//Mozilla.org/NONSGML Mozilla Calendar V1.1//EN"
    guest = f"ATTENDEE;PARTSTAT=NEEDS-ACTION;ROLE=REQ-PARTICIPANT;CUTYPE=INDIVIDUAL:mailto:{mail}"
    sent = {"Originator": f"mailto:{device.account.mail}", "Recipient": f"mailto:{mail}"}
    return device.ask("POST", outbox(device), question(device, maker, [guest]), Content_Type=ICS, **sent)


def told(answer: Answer) -> dict[str, tuple[str, list[str]]]:
    """By address: the status, and the beginnings of busy times."""
    assert answer.status == 200 and "médecin" not in answer.text, answer.text
    found = {}
    for part in ElementTree.fromstring(answer.body).iter(f"{CAL}response"):  # noqa: S314
        recipient = part.find(f"{CAL}recipient")
        assert recipient is not None
        lines = (part.findtext(f"{CAL}calendar-data") or "").splitlines()
        times = [line.rpartition(":")[2].partition("/")[0] for line in lines if line.startswith("FREEBUSY")]
        mail = "".join(recipient.itertext()).strip().removeprefix("mailto:")
        found[mail] = (str(part.findtext(f"{CAL}request-status"))[:3], times)
    return found


def moment(hour: int) -> str:
    """An hour of the day in Paris, as a device is told of it."""
    local = datetime.datetime.combine(DAY, datetime.time(hour), ZoneInfo("Europe/Paris"))
    return f"{local.astimezone(datetime.UTC):%Y%m%dT%H%M%SZ}"


def test_devices_are_told_of_both_classes_and_strangers_of_nobody(device: Callable[..., Device]) -> None:
    mine, full = device(profile="convergence"), device(profile="convergence")
    light, idle, hidden = (device(profile="roundcube", hidden=one) for one in (False, False, True))
    put(light, 9, token())
    put(hidden, 9, token())
    put(full, 14, token())
    guests = [one.account.mail for one in (full, light, idle, hidden)]
    answers = told(as_apple(mine, *guests, "jean@lointain.test"))
    assert answers[full.account.mail] == ("2.0", [moment(14)])
    assert answers[light.account.mail] == ("2.0", [moment(9)])
    assert answers[idle.account.mail] == ("2.0", []), "as on SOGo's page"
    for mail in (hidden.account.mail, "jean@lointain.test"):
        assert answers[mail] == ("3.7", []), "unknown is not free"
    assert told(as_thunderbird(mine, light.account.mail)) == {light.account.mail: ("2.0", [moment(9)])}
    assert told(as_thunderbird(mine, full.account.mail)) == {full.account.mail: ("2.0", [moment(14)])}
    file = mine.ask("GET", f"/SOGo/dav/{light.account.uid}/freebusy.ifb")
    assert file.status == 200 and f":{moment(9)}/{moment(10)}" in file.text and "médecin" not in file.text
    # Without a password nobody is told anything, nor is the light class by this way.
    assert as_apple(mine, light.account.mail, anonymous=True).status == 401
    assert mine.ask("GET", f"/SOGo/dav/{light.account.uid}/freebusy.ifb", anonymous=True).status == 401
    assert light.ask("GET", f"/SOGo/dav/{idle.account.uid}/freebusy.ifb").status in (301, 404)
