"""An invitation that an agent of the light class answers in Roundcube: the meeting is in the agent's agenda."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.stack.support.dav import Device, first
from tests.stack.support.mail import Mail, token, wait_for
from tests.stack.support.people import People
from tests.stack.support.site import Account
from tests.stack.support.webmail import Webmail
from tests.unit.groupware.files import ZONE

pytestmark = pytest.mark.scattered

ORGANIZER = "voisin@lointain.test"
MEETING = """\
BEGIN:VEVENT
UID:{uid}
SEQUENCE:{sequence}
DTSTAMP:20300101T080000Z
{when}
SUMMARY:{title}
ORGANIZER:mailto:{organizer}
ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE;CN="Lœuf; Paul":mailto:{guest}
ATTENDEE;PARTSTAT=ACCEPTED:mailto:voisin@lointain.test
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-PT15M
END:VALARM
END:VEVENT
"""
DAY = "DTSTART;TZID=Europe/Paris:20300304T140000\nDTEND;TZID=Europe/Paris:20300304T150000"
WEEKLY = f"{DAY}\nRRULE:FREQ=WEEKLY;COUNT=5"
MOVED = (
    "RECURRENCE-ID;TZID=Europe/Paris:20300311T140000\n"
    "DTSTART;TZID=Europe/Paris:20300311T160000\nDTEND;TZID=Europe/Paris:20300311T170000"
)


class Guest:
    """An agent of the light class: mail, webmail and agenda."""

    def __init__(self, agent: tuple[Account, Webmail], mail: Mail, device: Callable[..., Device]) -> None:
        self.account, self.here = agent
        self.mail = mail
        self.device = device(self.account)
        self.agenda = first(self.device.discover()[1])
        self.uid = f"reunion-{token()}@lointain.test"

    def invited(
        self,
        *,
        when: str = DAY,
        sequence: int = 0,
        method: str = "REQUEST",
        uid: str = "",
        organizer: str = ORGANIZER,
        zone: str = ZONE,
    ) -> str:
        """A message with an invitation; its number in the inbox."""
        word = token()
        meeting = MEETING.format(
            uid=uid or self.uid, sequence=sequence, when=when, title=f"Conseil {word}", guest=self.account.mail,
            organizer=organizer,
        )  # fmt: skip
        content = f"BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:{method}\n{zone}{meeting}END:VCALENDAR\n"
        self.mail.imap(self.account).append("INBOX", None, None, f"""\
From: {ORGANIZER}
To: {self.account.mail}
Subject: Invitation {word}
MIME-Version: 1.0
Content-Type: text/calendar; charset=utf-8; method={method}

{content}""".replace("\n", "\r\n").encode())  # fmt: skip
        number = self.here.newest()
        self.shown = self.here.read(number)
        return number

    def answer(self, number: str, word: str, mark: str = "") -> str:
        """Answer an invitation, with the page's own number of the answer; the words that Roundcube shows."""
        form = {"_uid": number, "_mbox": "INBOX", "_answer": word, "_number": mark}
        return str(self.here.call(_form=form, _task="mail", _action="plugin.malleposte-answer")["exec"])

    def tries(self, number: str, word: str, mark: str) -> int:
        """The same as the page's script asks it; the status."""
        form = {"_uid": number, "_mbox": "INBOX", "_answer": word, "_number": mark, "_remote": "1"}
        path = "/?_task=mail&_action=plugin.malleposte-answer"
        token = self.here.token
        return self.here.ask(path, form, X_Roundcube_Request=token, X_Requested_With="XMLHttpRequest").status

    def kept(self) -> list[str]:
        """The meetings of the agenda, unfolded."""
        hrefs = [href for href, status in self.device.changes(self.agenda)[1].items() if status == 200]
        return [self.device.ask("GET", href).text.replace("\r", "").replace("\n ", "") for href in hrefs]

    def answers(self, kept: str) -> list[str]:
        """The guest's own answer in each event of a meeting. Radicale orders the parameters."""
        lines = [line for line in kept.split("\n") if line.endswith(f":mailto:{self.account.mail}")]
        assert all('CN="Lœuf; Paul"' in line and "RSVP" not in line for line in lines)
        return re.findall(r";PARTSTAT=([A-Z-]+)", "\n".join(lines))


@pytest.fixture
def guest(agent: tuple[Account, Webmail], mail: Mail, device: Callable[..., Device]) -> Guest:
    return Guest(agent, mail, device)


def test_an_accepted_meeting_is_in_the_agenda(guest: Guest) -> None:
    number = guest.invited()
    assert "Votre réponse est envoyée à l’organisateur, et la réunion est dans votre agenda." in guest.answer(
        number, "accept"
    )
    (kept,) = guest.kept()
    assert f"UID:{guest.uid}\n" in kept and "METHOD" not in kept and "VALARM" not in kept
    assert guest.answers(kept) == ["ACCEPTED"]
    assert f"ATTENDEE;PARTSTAT=ACCEPTED:mailto:{ORGANIZER}\n" in kept
    # Another answer takes the place of the first; a refusal takes the meeting away.
    guest.answer(number, "maybe")
    (kept,) = guest.kept()
    assert guest.answers(kept) == ["TENTATIVE"]
    assert "Votre réponse est envoyée à l’organisateur." in guest.answer(number, "decline")
    assert guest.kept() == []


@pytest.mark.parametrize(("name", "hour"), [("Europe/Paris", "14:00"), ("America/New_York", "20:00")])
def test_a_zone_that_is_only_named_is_known(guest: Guest, name: str, hour: str) -> None:
    number = guest.invited(when=DAY.replace("Europe/Paris", name), zone="")
    assert f"04/03/2030 {hour}" in guest.shown
    guest.answer(number, "accept")
    (kept,) = guest.kept()
    assert f"DTSTART;TZID={name}:20300304T140000" in kept and f"BEGIN:VTIMEZONE\nTZID:{name}\n" in kept


def test_an_answer_that_is_asked_for_again_is_sent_once(guest: Guest, people: People) -> None:
    organizer, told = people.agent(), "Votre réponse est envoyée à l’organisateur"
    number = guest.invited(organizer=organizer.mail)
    for mark in ("0a" * 12, "0a" * 12, "0b" * 12, ""):
        assert told in guest.answer(number, "accept", mark)
    wait_for(lambda: guest.mail.count(organizer, "Conseil") >= 3, 90)
    assert guest.mail.count(organizer, "Conseil") == 3, "one for each number, and one without"


def test_an_answer_that_is_asked_for_again_while_the_first_runs_is_sent_once(guest: Guest, people: People) -> None:
    organizer, mark = people.agent(), "0c" * 12
    number = guest.invited(organizer=organizer.mail)
    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(lambda _: guest.tries(number, "accept", mark), range(6)))
    assert 200 in told and set(told) <= {200, 503}, told
    assert "Votre réponse est envoyée à l’organisateur" in guest.answer(number, "accept", mark), "the page's next try"
    guest.answer(number, "accept", "0d" * 12)
    wait_for(lambda: guest.mail.count(organizer, "Conseil") >= 2, 90)
    assert guest.mail.count(organizer, "Conseil") == 2, "one for each number"


def test_a_newer_invitation_takes_the_place_and_an_older_does_not(guest: Guest) -> None:
    old = guest.invited()
    new = guest.invited(when=DAY.replace("T14", "T09"), sequence=1)
    guest.answer(new, "accept")
    assert "n’a pas pu être notée" in guest.answer(old, "accept")
    (kept,) = guest.kept()
    assert "DTSTART;TZID=Europe/Paris:20300304T090000" in kept


def test_the_guest_s_own_alarms_stay(guest: Guest) -> None:
    guest.answer(guest.invited(when=WEEKLY), "accept")
    (href,) = (href for href, status in guest.device.changes(guest.agenda)[1].items() if status == 200)
    alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:Le mien\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT"
    mine = guest.device.ask("GET", href).text.replace("END:VEVENT", alarm)
    assert guest.device.ask("PUT", href, mine, Content_Type="text/calendar; charset=utf-8").status in (201, 204)
    guest.answer(guest.invited(when=MOVED, sequence=1), "accept")
    guest.answer(guest.invited(when=WEEKLY.replace("T14", "T09"), sequence=2), "accept")
    (kept,) = guest.kept()
    assert kept.count("DESCRIPTION:Le mien") == kept.count("BEGIN:VALARM") == 1


def test_nobody_else_changes_or_ends_a_meeting(guest: Guest) -> None:
    guest.answer(guest.invited(), "accept")
    (before,) = guest.kept()
    other = "pirate@lointain.test"
    changed = guest.invited(when=DAY.replace("T14", "T09"), sequence=1, organizer=other)
    assert "n’a pas pu être notée" in guest.answer(changed, "accept")
    ended = guest.invited(sequence=2, method="CANCEL", organizer=other)
    assert "La réunion n’est plus dans votre agenda." not in guest.answer(ended, "remove")
    assert guest.kept() == [before]


def test_one_day_of_a_series_joins_the_others(guest: Guest) -> None:
    guest.answer(guest.invited(when=WEEKLY), "accept")
    guest.answer(guest.invited(when=MOVED, sequence=1), "decline")
    (kept,) = guest.kept()
    assert kept.count("BEGIN:VEVENT") == 2 and kept.count("BEGIN:VTIMEZONE") == 1
    assert "RRULE:FREQ=WEEKLY" in kept and "RECURRENCE-ID" in kept
    assert guest.answers(kept) == ["ACCEPTED", "DECLINED"]


def test_a_meeting_that_is_called_off_leaves_the_agenda(guest: Guest) -> None:
    guest.answer(guest.invited(), "accept")
    kept_uid, guest.uid = guest.uid, f"autre-{token()}@lointain.test"
    guest.answer(guest.invited(), "accept")
    assert len(guest.kept()) == 2
    number = guest.invited(sequence=1, method="CANCEL", uid=kept_uid)
    assert "Réunion annulée" in guest.shown and "Retirer de mon agenda" in guest.shown
    assert "La réunion n’est plus dans votre agenda." in guest.answer(number, "remove")
    (kept,) = guest.kept()
    assert guest.uid in kept


def test_an_agenda_that_is_gone_is_told_and_the_answer_goes(guest: Guest) -> None:
    assert guest.device.ask("DELETE", guest.agenda).status in (200, 204)
    assert "n’a pas pu être notée" in guest.answer(guest.invited(), "accept")
