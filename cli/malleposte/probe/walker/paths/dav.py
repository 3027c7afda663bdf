"""Agendas and contacts as a phone sees them: found from one address, put, read back, removed (RFC 4791, RFC 6352)."""

from __future__ import annotations

import urllib.parse
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass

from ..https import Answer, Browser
from ..plan import Account, PathError, Plan

DAV = "{DAV:}"
REDIRECTS = (301, 302, 307, 308)


@dataclass(frozen=True)
class Kind:
    """One of the two services: its well-known name, the property of its home, the type of its collections."""

    name: str
    namespace: str
    home: str
    collection: str
    suffix: str
    media: str

    def tag(self, name: str) -> str:
        """A name of this kind's own namespace."""
        return f"{{{self.namespace}}}{name}"


CALDAV = Kind("caldav", "urn:ietf:params:xml:ns:caldav", "calendar-home-set", "calendar", "ics", "text/calendar")
CARDDAV = Kind(
    "carddav", "urn:ietf:params:xml:ns:carddav", "addressbook-home-set", "addressbook", "vcf", "text/vcard"
)  # fmt: skip


def content(kind: Kind, uid: str) -> bytes:
    """A calendar of one event, or a vCard, with accents in it."""
    if kind is CALDAV:
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//malleposte//probe//FR", "BEGIN:VEVENT", f"UID:{uid}",
                 "DTSTAMP:20260101T080000Z", "DTSTART:20260102T080000Z", "DTEND:20260102T083000Z",
                 "SUMMARY:Sonde de la messagerie à supprimer", "TRANSP:TRANSPARENT", "END:VEVENT",
                 "END:VCALENDAR"]  # fmt: skip
    else:
        lines = ["BEGIN:VCARD", "VERSION:3.0", f"UID:{uid}", "FN:Sonde de la messagerie à supprimer",
                 "N:Sonde;Éphémère;;;", "EMAIL:sonde@example.org", "END:VCARD"]  # fmt: skip
    return "\r\n".join([*lines, ""]).encode()


def propfind(browser: Browser, path: str, depth: int, names: list[str]) -> Answer:
    """PROPFIND for some properties (RFC 4918, 9.1); `names` in Clark notation."""
    root = ET.Element(f"{DAV}propfind")
    properties = ET.SubElement(root, f"{DAV}prop")
    for name in names:
        ET.SubElement(properties, name)
    headers = {"Depth": str(depth), "Content-Type": "application/xml; charset=utf-8"}
    body = ET.tostring(root, "utf-8", xml_declaration=True)
    answer = browser.request("PROPFIND", path, body, headers)
    if answer.status in REDIRECTS and answer.headers.get("location"):
        # A well-known name answers by a redirect (RFC 6764, section 5).
        path = urllib.parse.urlsplit(answer.headers["location"]).path
        answer = browser.request("PROPFIND", path, body, headers)
    return answer.expect(207, what=f"PROPFIND {path}")


def responses(answer: Answer) -> Iterator[tuple[str, ET.Element]]:
    """(path, its `prop` element) of every response of a multistatus. Raises PathError when it is not XML."""
    for response in answer.xml().iter(f"{DAV}response"):
        path = urllib.parse.urlsplit(response.findtext(f"{DAV}href", "")).path
        for status in response.iter(f"{DAV}propstat"):
            prop = status.find(f"{DAV}prop")
            if " 200 " in f"{status.findtext(f'{DAV}status', '')} " and prop is not None:
                yield path, prop


def href(answer: Answer, name: str) -> str:
    """The path that a property points to. Raises PathError when it is not there."""
    for _, prop in responses(answer):
        location = prop.findtext(f"{name}/{DAV}href")
        if location:
            return urllib.parse.urlsplit(location).path
    raise PathError(f"no {name.partition('}')[2]} is told")


def collection(browser: Browser, kind: Kind) -> str:
    """The path of the agent's first own collection, found from the well-known name alone (RFC 6764)."""
    principal = href(
        propfind(browser, f"/.well-known/{kind.name}", 0, [f"{DAV}current-user-principal"]),
        f"{DAV}current-user-principal",
    )
    home = href(propfind(browser, principal, 0, [kind.tag(kind.home)]), kind.tag(kind.home))
    for path, prop in responses(propfind(browser, home, 1, [f"{DAV}resourcetype"])):
        if prop.find(f"{DAV}resourcetype/{kind.tag(kind.collection)}") is not None:
            return path
    raise PathError(f"no {kind.collection} under {home}")


def exchange(plan: Plan, kind: Kind, account: Account) -> str:
    """Put one object into the agent's collection, read it back, remove it; returns the collection's path."""
    browser = Browser(plan, plan.host("dav"), account)
    folder = collection(browser, kind)
    uid = f"malleposte-probe-{plan.token}"
    path = f"{folder.rstrip('/')}/{uid}.{kind.suffix}"
    browser.request("PUT", path, content(kind, uid), {"Content-Type": f"{kind.media}; charset=utf-8"}).expect(
        201, 204, what=f"PUT {path}"
    )
    try:
        seen = browser.get(path).expect(200, what=f"GET {path}")
        if uid not in seen.text or ("à supprimer" not in seen.text):
            raise PathError(f"GET {path}: not what was put")
    finally:
        gone = browser.request("DELETE", path)
    gone.expect(200, 204, what=f"DELETE {path}")
    return folder


def walk(plan: Plan, kind: Kind) -> str:
    """Both probe accounts, one a class of service, put and get; a wrong password opens nothing."""
    folders = [exchange(plan, kind, account) for account in plan.accounts]
    first = plan.accounts[0]
    wrong = Browser(plan, plan.host("dav"), Account(first.uid, first.mail, f"{plan.token}-wrong"))
    wrong.request("PROPFIND", "/", headers={"Depth": "0"}).expect(401, what="a wrong password")
    return ", ".join(folders)
