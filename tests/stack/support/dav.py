"""A device of few words: WebDAV requests to the platform's one address, and what their answers hold."""

import base64
import http.client
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree

from tests.stack.support.site import Account
from tests.stack.support.web import Answer, Web

DAV, CAL, CARD = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}", "{urn:ietf:params:xml:ns:carddav}"
SPACES = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:a="urn:ietf:params:xml:ns:carddav"'
FIND = f"""<?xml version="1.0"?><d:propfind {SPACES}><d:prop><d:current-user-principal/><c:calendar-home-set/>
<a:addressbook-home-set/><d:resourcetype/><d:displayname/><d:sync-token/></d:prop></d:propfind>"""
EVENT = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//essai//FR\r
BEGIN:VEVENT\r
UID:{uid}\r
DTSTAMP:20270105T080000Z\r
DTSTART:20270105T090000Z\r
DTEND:20270105T100000Z\r
SUMMARY:{summary}\r
LOCATION:Salle des maîtres\\, 2ᵉ étage\r
END:VEVENT\r
END:VCALENDAR\r
"""
CARD_TEXT = """BEGIN:VCARD\r
VERSION:3.0\r
UID:{uid}\r
N:Lefèvre;Élodie;;;\r
FN:{name}\r
EMAIL:elodie@lointain.test\r
END:VCARD\r
"""


@dataclass
class Device:
    """Requests of one account. `trail` holds the addresses that redirects led to, `program` what it calls itself."""

    web: Web
    address: str
    name: str
    account: Account
    password: str = field(default="", repr=False)
    login: str = ""
    program: str = ""
    trail: list[str] = field(default_factory=list)

    def ask(self, method: str, path: str, body: str = "", *, anonymous: bool = False, **headers: str) -> Answer:
        """One request; redirects are not followed."""
        pair = f"{self.login or self.account.uid}:{self.password or self.account.password}"
        if not anonymous:
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        if self.program:
            headers["User_Agent"] = self.program
        return self.web.get(self.address, self.name, path, method=method, body=body.encode(), plain=False, **headers)

    def find(self, path: str, depth: int = 0) -> dict[str, ElementTree.Element]:
        """PROPFIND, as devices do: redirects are followed. By address, what each resource says of itself."""
        for _ in range(5):
            answer = self.ask("PROPFIND", path, FIND, Depth=str(depth), Content_Type="application/xml")
            if answer.status not in (301, 302, 307, 308):
                break
            path = answer.headers["Location"].removeprefix(f"https://{self.name}")
            self.trail.append(path)
        assert answer.status == 207, (path, answer.status, answer.text[:300])
        return responses(answer)

    def discover(self, start: str = "/") -> tuple[str, dict[str, str], dict[str, str]]:
        """The principal, the agendas and the address books (address: shown name), found from one address."""
        first = next(iter(self.find(start).values()))
        principal = str(first.findtext(f".//{DAV}current-user-principal/{DAV}href"))
        said = next(iter(self.find(principal).values()))
        found: list[dict[str, str]] = []
        for home, kind in (
            (f"{CAL}calendar-home-set", f"{CAL}calendar"),
            (f"{CARD}addressbook-home-set", f"{CARD}addressbook"),
        ):
            inside = self.find(str(said.findtext(f".//{home}/{DAV}href")), depth=1)
            found.append(
                {
                    href: str(one.findtext(f".//{DAV}displayname"))
                    for href, one in inside.items()
                    if one.find(f".//{DAV}resourcetype/{kind}") is not None
                }
            )
        return principal, found[0], found[1]

    def changes(self, collection: str, token: str = "") -> tuple[str, dict[str, int]]:
        """sync-collection (RFC 6578): the new token, and what changed since, with a status for what is gone."""
        body = (
            f'<?xml version="1.0"?><d:sync-collection {SPACES}><d:sync-token>{token}</d:sync-token>'
            "<d:sync-level>1</d:sync-level><d:prop><d:getetag/></d:prop></d:sync-collection>"
        )
        answer = self.ask("REPORT", collection, body, Depth="1", Content_Type="application/xml")
        assert answer.status == 207, (answer.status, answer.text[:300])
        found = {
            href: int((one.findtext(f"{DAV}status") or "HTTP/1.1 200 ").split()[1])
            for href, one in responses(answer).items()
            if href.rstrip("/") != collection.rstrip("/")
        }
        return str(ElementTree.fromstring(answer.body).findtext(f"{DAV}sync-token")), found  # noqa: S314


def responses(answer: Answer) -> dict[str, ElementTree.Element]:
    """The parts of a multistatus, by address."""
    tree = ElementTree.fromstring(answer.body)  # noqa: S314 (our own server)
    return {str(one.findtext(f"{DAV}href")): one for one in tree.findall(f"{DAV}response")}


def answering(device: Device, path: str = "/", seconds: float = 60) -> None:
    """Wait until the service behind the address answers again."""
    end = time.monotonic() + seconds
    while True:
        try:
            if device.ask("PROPFIND", path, Depth="0").status < 500:
                return
        except (OSError, http.client.HTTPException):
            pass
        assert time.monotonic() < end, f"{path} does not answer"
        time.sleep(0.3)


def first(homes: Mapping[str, str]) -> str:
    """The address of the agenda, or address book, that everybody has."""
    return next(home for home in sorted(homes) if home.rstrip("/").endswith(("personal", "agenda", "contacts")))


def put_event(device: Device, home: str, uid: str, summary: str) -> None:
    """An event, new or changed."""
    kind = "text/calendar; charset=utf-8"
    answer = device.ask("PUT", f"{home}{uid}.ics", EVENT.format(uid=uid, summary=summary), Content_Type=kind)
    assert answer.status in (201, 204), answer.text


def summaries(device: Device, home: str, key: str = "SUMMARY:") -> list[str]:
    """Return the names of a collection's items; contacts by `FN:`."""
    hrefs = [href for href, status in device.changes(home)[1].items() if status == 200]
    lines = [line for href in hrefs for line in device.ask("GET", href).text.splitlines()]
    return [line.removeprefix(key) for line in lines if line.startswith(key)]


def events(device: Device) -> dict[str, list[str]]:
    """Every agenda by its title, with what its events are called."""
    _, agendas, _ = device.discover()
    return {title: sorted(summaries(device, home)) for home, title in agendas.items()}


def contacts(dav: Device) -> list[str]:
    """The names in all address books of an account."""
    _principal, _agendas, books = dav.discover()
    return sorted(name for home in books for name in summaries(dav, home, "FN:"))


def put_contact(dav: Device, home: str, uid: str, name: str) -> None:
    """Put a contact into an address book."""
    kind = "text/vcard; charset=utf-8"
    assert dav.ask("PUT", f"{home}{uid}.vcf", CARD_TEXT.format(uid=uid, name=name), Content_Type=kind).status == 201
