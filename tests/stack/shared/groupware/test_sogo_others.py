"""SOGo with others: a guest outside and the answer, an address book and a mail folder that are shared; and tasks."""

import email
import json
from collections.abc import Callable
from email.message import Message
from pathlib import Path

import pytest

from tests.stack.support.groupware import Groupware, event
from tests.stack.support.mail import FOREIGN, Mail, compose, quoted, token, wait_for
from tests.stack.support.people import People
from tests.stack.support.site import Site

pytestmark = pytest.mark.scattered

CALENDAR, CONTACTS = "Calendar/personal", "Contacts/personal"
ICS, VCF = "text/calendar", "text/vcard"
GUEST = f"test@{FOREIGN}"


@pytest.fixture
def visit(people: People, site: Site, ca_bundle: Path) -> Callable[[], Groupware]:
    """An agent of the class that has an agenda."""
    return lambda: Groupware(site, ca_bundle, people.agent(profile="convergence"))


def calendar_of(message: bytes) -> str:
    """The text of a message's calendar, without folds."""
    part: Message = next(one for one in email.message_from_bytes(message).walk() if one.get_content_type() == ICS)
    return bytes(part.get_payload(decode=True)).decode().replace("\r\n", "\n").replace("\n ", "")


def test_a_guest_outside_is_invited_by_mail_and_the_answer_is_taken(visit: Callable[[], Groupware], mail: Mail) -> None:
    owner, uid = visit().login(), token()
    mine = owner.account.mail
    invited = event(
        uid,
        f"Jumelage {uid}",
        f"ORGANIZER;CN=Essai:mailto:{mine}",
        f"ATTENDEE;CN=Test;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{GUEST}",
    )
    assert owner.put(f"{CALENDAR}/{uid}.ics", invited, ICS) == 201
    request = calendar_of(mail.at_foreign("test", mine))
    assert "METHOD:REQUEST" in request and f"UID:{uid}" in request and f"mailto:{GUEST}" in request

    reply = event(
        uid, f"Jumelage {uid}", f"ORGANIZER:mailto:{mine}", f"ATTENDEE;PARTSTAT=ACCEPTED:mailto:{GUEST}"
    ).replace("VERSION:2.0", "VERSION:2.0\r\nMETHOD:REPLY")
    head = (
        f"From: {GUEST}\r\nTo: {mine}\r\nSubject: Accepte {uid}\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/calendar; method=REPLY; charset=utf-8\r\n\r\n"
    )
    mail.foreign(GUEST, mine, (head + reply).encode())
    row = wait_for(lambda: next((row for row in owner.listed() if uid in str(row["Subject"])), None))
    place = owner.own(f"Mail/0/folderINBOX/{row['uid']}")
    assert "updateUserStatus" in json.dumps(owner.get(f"{place}/view").json()["parts"])
    assert "PARTSTAT=NEEDS-ACTION" in owner.fetch(f"{CALENDAR}/{uid}.ics").text
    # The page's button, « Mettre à jour »: SOGo takes an answer when its reader says so.
    taken = owner.post(f"{place}/1/updateUserStatus", {})
    assert taken.status in (200, 204), taken.text
    kept = owner.fetch(f"{CALENDAR}/{uid}.ics").text.replace("\r\n ", "")
    assert "PARTSTAT=ACCEPTED" in next(line for line in kept.splitlines() if GUEST in line)


def test_a_task_of_a_device_is_in_the_list_of_tasks(visit: Callable[[], Groupware]) -> None:
    agent, uid = visit().login(), token()
    task = "\r\n".join(
        (
            "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//FR", "BEGIN:VTODO", f"UID:{uid}",
            "DTSTAMP:20260101T000000Z", f"SUMMARY:Corriger {uid}", "DUE;VALUE=DATE:20300115", "STATUS:NEEDS-ACTION",
            "END:VTODO", "END:VCALENDAR", "",
        )
    )  # fmt: skip
    assert agent.put(f"{CALENDAR}/{uid}.ics", task, ICS) == 201
    kept = agent.fetch(f"{CALENDAR}/{uid}.ics").text
    assert f"SUMMARY:Corriger {uid}" in kept and "BEGIN:VTODO" in kept
    assert f"Corriger {uid}" in agent.get(agent.own("Calendar/taskslist?filterpopup=view_all")).text


@pytest.mark.full
def test_an_address_book_is_read_by_whom_it_is_shared_with_and_by_nobody_else(visit: Callable[[], Groupware]) -> None:
    owner, colleague, other = visit().login(), visit(), visit()
    uid = token()
    card = f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:Mairie {uid}\r\nN:{uid};Mairie\r\nEND:VCARD\r\n"
    assert owner.put(f"{CONTACTS}/{uid}.vcf", card, VCF) == 201
    mine = owner.account.uid
    assert colleague.fetch(f"{CONTACTS}/{uid}.vcf", mine).status in (403, 404)
    guest = colleague.account
    added = owner.get(owner.own(f"{CONTACTS}/addUserInAcls?uid={guest.uid}"))
    assert added.status in (200, 204), added.text
    rights = [{"uid": guest.uid, "c_email": guest.mail, "rights": {"canViewObjects": 1}}]
    saved = owner.post(owner.own(f"{CONTACTS}/saveUserRights"), rights)
    assert saved.status in (200, 204), saved.text
    assert f"FN:Mairie {uid}" in colleague.fetch(f"{CONTACTS}/{uid}.vcf", mine).text
    assert colleague.put(f"{CONTACTS}/{uid}.vcf", card.replace("Mairie", "Pirate"), VCF, mine) == 403
    assert other.fetch(f"{CONTACTS}/{uid}.vcf", mine).status in (403, 404)


def test_a_mail_folder_is_seen_by_whom_it_is_shared_with_and_by_nobody_else(
    visit: Callable[[], Groupware], mail: Mail
) -> None:
    owner, colleague, other = visit().login(), visit(), visit()
    word, folder = token(), f"Projet-{token()[-6:]}"
    session = mail.imap(owner.account)
    assert session.create(quoted(folder))[0] == "OK"
    session.append(quoted(folder), None, None, compose(GUEST, owner.account.mail, word))
    place = f"Mail/0/folder{folder}"
    guest = colleague.account
    added = owner.get(owner.own(f"{place}/addUserInAcls?uid={guest.uid}"))
    assert added.status in (200, 204), added.text
    rights = [{"uid": guest.uid, "c_email": guest.mail, "rights": {"userCanReadMails": 1, "userCanViewFolder": 1}}]
    saved = owner.post(owner.own(f"{place}/saveUserRights"), rights)
    assert saved.status in (200, 204), saved.text

    shared = f"Partages/{owner.account.uid}/{folder}"
    reads = mail.imap(guest)
    assert reads.select(quoted(shared), readonly=True)[0] == "OK"
    assert word in str(reads.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1])
    assert reads.select(quoted(f"Partages/{owner.account.uid}/INBOX"))[0] == "NO", "the rest is not shared"
    colleague.login()
    seen = colleague.listed(f"Partages/folder{owner.account.uid}/folder{folder}")
    assert [word in str(row["Subject"]) for row in seen] == [True]
    assert mail.imap(other.account).select(quoted(shared))[0] == "NO"
