"""Hosts of an earlier version with accounts that hold something of everything, and each thing read again later.

All is made by protocol or by that version's own commands, and read by protocol.
"""

import csv
import io
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.stack.support import boxes, held
from tests.stack.support.boxes import Box
from tests.stack.support.calendars import sql
from tests.stack.support.dav import Device
from tests.stack.support.devices import Ways
from tests.stack.support.factors import Agent, Application
from tests.stack.support.groupware import Groupware, event
from tests.stack.support.mail import FOREIGN, Mail, compose, make_plan, token
from tests.stack.support.people import People
from tests.stack.support.persons import keyring
from tests.stack.support.persons import person as make_person
from tests.stack.support.release import Release
from tests.stack.support.site import Account, Site
from tests.stack.support.web import Web
from tests.stack.support.webmail import Webmail
from tests.support import sogo_tables

STORES = ("directory", "database", "mail", "web")
"""Groups of the hosts whose backups hold what is given."""
SCHOOL = "9990008E"
FEED = "/root/agents-essai.csv"
ROWS = (("99E1234501ABC", "Essaimigre", "Ada"), ("99E1234502ABD", "Essaimigre", "Blaise"))
"""Agents of a feed, each with a NUMEN."""
SOGO_FILTER = 'require ["fileinto"];\nif header :contains "subject" "commission" { fileinto "Commissions"; stop; }\n'
DAY = "20300115"


@dataclass
class Given:
    """The accounts that were made, and the names and secrets of each thing."""

    light: Account
    full: Account
    friend: Account
    stranger: Account
    paths: dict[str, list[str]] = field(default_factory=dict)
    boxes: dict[str, Box] = field(default_factory=dict)
    objects: dict[str, dict[str, str]] = field(default_factory=dict)
    entries: dict[str, frozenset[str]] = field(default_factory=dict)
    list: str = ""
    box: str = ""
    waiting: str = ""
    feed: str = ""
    codes: dict[str, str] = field(default_factory=dict, repr=False)
    room: str = ""
    booking: str = ""
    device: str = field(default="", repr=False)
    revoked: str = field(default="", repr=False)
    factor: Application | None = None
    guarded: Account | None = None
    cookies: dict[str, str] = field(default_factory=dict, repr=False)
    blocked: Account | None = None


class Hosts:
    """The clients of the platform; the authorities that they trust are read anew for each."""

    def __init__(self, site: Site, folder: Path, release: Release) -> None:
        """Look at nothing yet; `folder` takes what the clients need."""
        self.site, self.folder, self.release = site, folder, release

    @property
    def bundle(self) -> Path:
        """The authorities that the hosts trust now: the lab's has a new root each time it starts."""
        return self.site.authorities(self.folder)

    @contextmanager
    def mail(self) -> Iterator[Mail]:
        """A client of the mail."""
        made = Mail(self.site, make_plan(self.site, self.bundle))
        try:
            yield made
        finally:
            made.close()

    def device(self, who: Account, password: str = "") -> Device:
        """A device of an account."""
        address = self.site.address(self.site.host_of("web"))
        return Device(Web(self.bundle), address, self.site.platform["hostnames"]["dav"], who, password)

    def sogo(self, who: Account) -> Groupware:
        """A program that speaks to SOGo for an account."""
        return Groupware(self.site, self.bundle, who)

    def ways(self, mail: Mail, who: Account) -> Ways:
        """The ways of a device of an account."""
        return Ways(mail, self.device, who)

    def on(self, group: str, *words: str, given: str = "") -> str:
        """The output of words on the first host of a group."""
        return self.site.run(self.site.host_of(group), *words, given=given, timeout=900)

    def typed(self, *words: str, given: str = "") -> str:
        """The output of a command on the directory's host, of the version that it has."""
        return self.on("directory", "malleposte", *words, given=given)

    def opens(self, who: Account, password: str) -> dict[str, bool]:
        """Whether a password opens each way."""
        with self.mail() as mail:
            return self.ways(mail, who).open(password)


def fill(hosts: Hosts) -> Given:
    """Make the accounts and everything that the release knows."""
    people, site, has = People(hosts.site), hosts.site, hosts.release.has
    light, (full, friend, stranger) = people.agent(), [people.agent(profile="convergence") for _ in range(3)]
    given = Given(light, full, friend, stranger)
    with hosts.mail() as mail:
        boxes.fill(mail, light, full)
        boxes.append(mail.imap(full), "INBOX", "pour le second", "\\Seen")
        mail.imap(full).create("Commissions")
        mail.set_filter(full, "sogo", SOGO_FILTER)
    given.paths = {one.uid: held.keep(hosts.device(one)) for one in (light, full)}
    _share(site, full, given.friend)
    _contact(hosts, given)
    given.list = f"liste-{secrets.token_hex(4)}"
    hosts.typed("accounts", "lists", "create", given.list, f"--member {light.uid} --member {full.uid}")
    given.box = people.box(light.uid, full.uid).mail
    _feed(hosts, given)
    given.blocked = people.agent()
    hosts.typed("accounts", "block", given.blocked.uid)
    if "rooms" in has:
        given.room = f"salle-{secrets.token_hex(4)}"
        hosts.typed("accounts", "room", "create", given.room, "--name", given.room)
        _unit(site, hosts.release.sync)
        given.booking = book(hosts.sogo(full), given.room)
        assert accepted(hosts.sogo(full), given.booking)
    if "devices" in has:
        given.device, given.revoked = (
            json.loads(hosts.typed("accounts", "device", "add", light.uid, "--name", name, "--json"))["password"]
            for name in ("Telephone", "Perdu")
        )
        hosts.typed("accounts", "device", "revoke", light.uid, "Perdu")
    if "roles" in has:
        hosts.typed("accounts", "role", "grant", full.uid, "helpdesk", "--school", SCHOOL)
    if "factors" in has:
        whose = make_person(people, keyring(site))
        given.guarded = whose.account
        given.factor = Agent(site, Web(hosts.bundle)).enrolled(whose)
    _queue(hosts, given)
    for host in sorted({site.host_of(group) for group in STORES}):
        site.run(host, "malleposte backup run", timeout=900)
    given.boxes, given.objects, given.entries = look(hosts, given)
    return given


def look(hosts: Hosts, given: Given) -> tuple[dict[str, Box], dict[str, dict[str, str]], dict[str, frozenset[str]]]:
    """Mailboxes, objects of devices, and entries of the directory, as they are now."""
    pair = (given.light, given.full)
    with hosts.mail() as mail:
        seen = {one.uid: boxes.look(mail, one) for one in pair}
    objects = {one.uid: held.read(hosts.device(one), given.paths[one.uid]) for one in pair}
    return seen, objects, held.entries(hosts.site, ("people", "functional", "lists", "establishments", "devices"))


def book(who: Groupware, room: str, summary: str = "Conseil", day: str = DAY) -> str:
    """Invite a room to an event; its uid."""
    uid, domain = token(), who.account.mail.partition("@")[2]
    lines = (f"ORGANIZER:mailto:{who.account.mail}", f"ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{room}@{domain}")
    text = event(uid, summary, *lines, start=f"{day}T140000", end=f"{day}T150000")
    who.put(f"Calendar/personal/{uid}.ics", text, "text/calendar")
    return uid


def accepted(who: Groupware, uid: str) -> bool:
    """Whether the room of an agent's event has accepted."""
    return "PARTSTAT=ACCEPTED" in who.fetch(f"Calendar/personal/{uid}.ics").text.replace("\r\n ", "")


def code_table(text: str) -> dict[str, str]:
    """Codes of a table of letters, by log-in."""
    rows = csv.DictReader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=";")
    return {row["Identifiant"]: row["Code INA"] for row in rows}


def _unit(site: Site, *names: str) -> None:
    for name in names:
        site.run_job(site.host_of("web"), f"{name}.service")


def _share(site: Site, owner: Account, friend: Account) -> None:
    """Let another agent read an agenda of SOGo, as SOGo writes it."""
    sql(site, sogo_tables.shared(owner.uid, friend.uid))


def _contact(hosts: Hosts, given: Given) -> None:
    """A contact of Roundcube's own, in the book of an agent who has logged in there; the cookies of the visit."""
    here = Webmail(hosts.site, Web(hosts.bundle))
    hosts.release.log_in(here, given.light)
    given.cookies = here.cookies
    row = "SELECT user_id, 'Zoë Lœuf', 'zoe@lointain.test', 'Zoë', 'Lœuf' FROM users"
    row += f" WHERE username = '{given.light.uid}'"
    words = "runuser -u postgres -- psql -XqAt roundcube"
    given_sql = f"INSERT INTO contacts (user_id, name, email, firstname, surname) {row} RETURNING 1;"
    assert hosts.on("database", words, given=given_sql).split() == ["1"]


def _feed(hosts: Hosts, given: Given) -> None:
    """Agents of a feed, who wait for activation; the codes of their letters; a plan that nobody has applied yet."""
    head = "NUMEN;Nom d'usage;Prénom;RNE\n"
    given.feed = head + "".join(f"{numen};{last};{first};{SCHOOL}\n" for numen, last, first in ROWS)
    hosts.on("directory", f"cat > {FEED}", given=given.feed)
    hosts.typed("accounts", "import", FEED, "--yes")
    hosts.typed("accounts", "letters", "--school", SCHOOL, "--out", "/root/lettres")
    given.codes = code_table(hosts.on("directory", "cat /root/lettres/courriers.csv"))
    assert len(given.codes) == len(ROWS)
    hosts.on("directory", "rm -r /root/lettres")


def _queue(hosts: Hosts, given: Given) -> None:
    """A message that waits, because the server of its recipient is away."""
    given.waiting = token()
    hosts.site.run("world", "systemctl stop postfix")
    stranger = f"probe@{FOREIGN}"
    with hosts.mail() as mail:
        message = compose(given.full.mail, stranger, given.waiting)
        assert mail.submit(given.full, given.full.mail, stranger, message).accepted
    assert given.full.mail in hosts.on("mail", "sleep 5; postqueue -j")


def lines(entries: dict[str, frozenset[str]], now: dict[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Lines of entries that are no more, by DN."""
    lost = {dn: known - now.get(dn, frozenset()) for dn, known in entries.items()}
    return {dn: gone for dn, gone in lost.items() if gone}
