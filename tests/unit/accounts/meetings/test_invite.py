"""Meetings of agents: the letters leave as the agent, the organiser's agenda has the entry, answers are counted."""

from __future__ import annotations

import datetime
import email
import email.policy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import icalendar
import pytest
from malleposte.accounts.convocations import orders, store, work
from malleposte.accounts.convocations.model import Answer, ConvocationRules, Event, Person, Stage
from malleposte.accounts.convocations.replies import RawReply, Replies
from malleposte.accounts.life.renewal import Facts
from malleposte.accounts.mailbox.later.letter import prepared
from malleposte.accounts.mailbox.later.submit import Outcome, Reply
from malleposte.accounts.meetings import invite
from malleposte.accounts.meetings.invite import MOST_OPEN, Meeting

from tests.unit.accounts.convocations.office import DOMAIN, FACTS, NOW, START, directory, person
from tests.unit.accounts.convocations.test_work import House as Ground

EVENT = Event("Réunion <b>d’équipe</b>", "2026-06-15T08:00", "2026-06-15T09:00", "Salle\r\nATTENDEE:x", "Ordre du jour")
BY = person("anne")
OUTSIDE = Person("partenaire@example.org", "", "partenaire@example.org")
DAY = 86_400


class House(Ground):
    """The same, with a mail server that takes letters of agents."""

    def __init__(self, *words: Any) -> None:
        super().__init__(*words)
        self.handed: list[tuple[str, str]] = []
        self.outcome = Outcome.SENT

    def submit_letter(self, uid: str, message_id: str, when: int, text: str) -> Reply:
        self.before("send")
        if self.outcome is Outcome.SENT:
            whole = email.message_from_string(text, policy=email.policy.SMTP)
            assert prepared(text.encode(), message_id, when).sender == f"{uid}@{DOMAIN}"
            self.handed.append((uid, str(whole["To"].addresses[0].addr_spec)))  # type: ignore[attr-defined]
            self.letters.append(whole)  # type: ignore[arg-type]
        return Reply(self.outcome, detail="452 too many")

    def called(self, *guests: Person, event: Event = EVENT, by: Person = BY) -> Meeting:
        made = invite.call(by, event, guests or (person("bruno"), OUTSIDE), self.now, self.folder)
        assert made is not None
        return made

    @property
    def now(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self.time, datetime.UTC)

    def listed(self, uid: str = "anne") -> list[Meeting]:
        return invite.listed(uid, self.time, self.folder)

    def calendars(self) -> list[Any]:
        parts = [part for one in self.letters for part in one.walk() if part.get_content_type() == "text/calendar"]
        return [icalendar.Calendar.from_ical(part.get_payload(decode=True)) for part in parts]


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(Facts, "read", classmethod(lambda cls, path=None: FACTS))
    return House(tmp_path / "convocations", directory("anne", "bruno", "chantal"), ConvocationRules())


def reply(house: House, author: str, attendee: str, answer: str = "ACCEPTED", **changed: str) -> None:
    """An answer comes into the organiser's box."""
    event_id = changed.get("event_id") or next(iter(house.agendas))
    text = (
        f"BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:{event_id}\r\n"
        f"SEQUENCE:0\r\nDTSTAMP:20260601T080000Z\r\nATTENDEE;PARTSTAT={answer}:mailto:{attendee}\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    house.replies.append(RawReply(author, int(house.time), text))


def answers(house: House) -> dict[str, str]:
    (one,) = house.listed()
    return {guest.name: str(guest.answer) for guest in one.guests}


def test_guests_get_a_letter_and_the_organiser_alone_an_entry(house: House) -> None:
    house.called()
    assert house.run().failures == [] and not store.asked(house.folder)
    assert house.handed == [("anne", f"bruno@{DOMAIN}"), ("anne", "partenaire@example.org")]
    for made in house.letters:
        assert (made["From"], made["Auto-Submitted"]) == (f"Agent Anne <anne@{DOMAIN}>", None)
        text = made.get_body().get_content().replace("\N{NO-BREAK SPACE}", " ")  # type: ignore[attr-defined]
        assert "Agent Anne vous invite" in text and "le lundi 15 juin 2026, de 8 h à 9 h" in text
        assert "déjà dans votre agenda" not in text and "convoque" not in text and "portail" not in text
        assert [part.get_content_type() for part in made.walk()].count("application/pdf") == 0
    (entry,) = house.agendas.values()
    held = icalendar.Calendar.from_ical(entry).walk("VEVENT")[0]
    assert [str(one).removeprefix("mailto:") for one in held["ATTENDEE"]] == [f"bruno@{DOMAIN}", OUTSIDE.address]
    assert held["ORGANIZER"] == f"mailto:anne@{DOMAIN}"
    house.run()
    assert len(house.letters) == 2 and house.writes == 1, "a second time there is nothing to do"
    assert [(one.name, one.sent, one.failed) for one in house.listed()[0].guests] == [
        ("Agent Bruno", True, False), (OUTSIDE.address, True, False),
    ]  # fmt: skip


def test_who_calls_many_meetings_takes_no_more_of_a_minute_than_another(house: House) -> None:
    house.rules = ConvocationRules(per_minute=12)
    guests = [Person(f"p{number}@example.org", "", f"p{number}@example.org") for number in range(6)]
    for _turn in range(5):
        house.called(*guests)
    house.called(*guests, by=person("chantal"))
    house.run()
    first = [by for by, _to in house.handed[:9]]
    assert first.count("chantal") >= 4, first
    assert len(house.handed) == 36, "all of them go"


def test_letters_do_not_wait_until_all_boxes_were_looked_into(house: House) -> None:
    people = [person(f"agent{number}") for number in range(20)]
    for one in people:
        house.called(OUTSIDE, by=one)
    read, went = list[str](), list[float]()

    def slowly(uid: str, _since: str, seen: dict[str, int]) -> Replies:
        house.time += 60  # a host that is away
        read.append(uid)
        return Replies([], seen)

    house.convocation_replies = slowly  # type: ignore[method-assign]
    house.directory = directory(*(one.uid for one in people))
    house.before = lambda what: went.append(house.time) if what == "send" else None
    begun = house.time
    house.run()
    assert len(went) == 20 and max(went) - begun <= 120, "all letters went after a look at some"
    assert sorted(read) == sorted(one.uid for one in people), "each box was looked into, once"


def test_all_have_one_event_under_one_name(house: House) -> None:
    house.called()
    house.run()
    events = [one.walk("VEVENT")[0] for one in house.calendars()]
    assert {str(one["UID"]) for one in events} == set(house.agendas)
    assert {str(one["METHOD"]) for one in house.calendars()} == {"REQUEST"}
    assert len({str(one["Message-ID"]) for one in house.letters}) == 2


def test_markup_and_line_ends_stay_text(house: House) -> None:
    house.called()
    house.run()
    for one in house.calendars():
        event = one.walk("VEVENT")[0]
        assert str(event["SUMMARY"]) == EVENT.title and len(event["ATTENDEE"]) == 2


def test_answers_are_counted_by_author_and_attendee(house: House) -> None:
    house.called()
    house.run()
    reply(house, f"bruno@{DOMAIN}", f"ancien.bruno@{DOMAIN}")
    reply(house, OUTSIDE.address, OUTSIDE.address, "DECLINED")
    house.run()
    assert answers(house) == {"Agent Bruno": "yes", OUTSIDE.address: "no"}
    assert house.asked[0][0] == "anne" and house.listed()[0].counts.yes == 1 and house.listed()[0].counts.all == 2
    assert house.writes == 1, "the organiser's own entry stays as the organiser has it"


@pytest.mark.parametrize(
    ("author", "attendee"),
    [
        ("intrus@example.org", f"bruno@{DOMAIN}"), (f"chantal@{DOMAIN}", f"chantal@{DOMAIN}"),
        (OUTSIDE.address, f"bruno@{DOMAIN}"), ("intrus@example.org", OUTSIDE.address),
        (f"anne@{DOMAIN}", f"anne@{DOMAIN}"),
    ],
)  # fmt: skip
def test_a_stranger_s_answer_is_none(house: House, author: str, attendee: str) -> None:
    house.called()
    house.run()
    reply(house, author, attendee, "DECLINED")
    house.run()
    assert set(answers(house).values()) == {""}
    reply(house, f"bruno@{DOMAIN}", f"bruno@{DOMAIN}")
    house.run()
    assert answers(house)["Agent Bruno"] == "yes"


def test_who_has_left_hides_nobody_s_answer(house: House) -> None:
    house.called(person("parti"), person("bruno"))
    house.run()
    reply(house, f"bruno@{DOMAIN}", f"ancien.bruno@{DOMAIN}")
    house.run()
    assert answers(house)["Agent Bruno"] == "yes"


def test_a_meeting_that_is_off_leaves_the_agenda_and_is_told(house: House) -> None:
    made = house.called()
    house.run()
    assert invite.call_off("bruno", made.ident, house.time, house.folder) is None, "it is another's"
    off = invite.call_off("anne", made.ident, house.time, house.folder)
    assert off is not None and off.off
    house.run()
    assert house.agendas == {} and len(house.letters) == 4
    assert [str(one["METHOD"]) for one in house.calendars()[2:]] == ["CANCEL"] * 2
    assert all(len(one.walk("VEVENT")) == 1 for one in house.calendars())
    assert "annulée" in str(house.letters[-1]["Subject"])
    invite.call_off("anne", made.ident, house.time, house.folder)
    house.run()
    assert len(house.letters) == 4


def test_what_the_mail_server_refuses_is_shown_and_tried_again(house: House) -> None:
    house.called()
    house.outcome = Outcome.LATER
    house.run()
    assert [(one.sent, one.failed) for one in house.listed()[0].guests] == [(False, True)] * 2
    assert len(house.agendas) == 1, "the organiser's agenda does not wait for the letters"
    house.outcome = Outcome.SENT
    house.time += 2 * work.SETTLED
    house.run()
    house.time += 2 * work.FIRST_WAIT
    house.run()
    assert [one.sent for one in house.listed()[0].guests] == [True] * 2 and len(house.letters) == 2


def test_a_kill_in_the_middle_sends_nothing_twice(house: House) -> None:
    house.called()
    killed = iter([True])

    def kill(what: str) -> None:
        if what == "send" and len(house.letters) == 1 and next(killed, False):
            raise KeyboardInterrupt

    house.before = kill
    with pytest.raises(KeyboardInterrupt):
        house.run()
    house.time += 2 * work.SETTLED
    house.run()
    assert sorted(uid for _by, uid in house.handed) == [f"bruno@{DOMAIN}", OUTSIDE.address]


def test_an_agent_has_so_many_meetings_ahead_and_takes_none_of_another_s(house: House) -> None:
    for _turn in range(MOST_OPEN):
        house.called()
    assert invite.call(BY, EVENT, (OUTSIDE,), NOW, house.folder) is None
    assert invite.call(person("bruno"), EVENT, (OUTSIDE,), NOW, house.folder) is not None
    invite.call_off("anne", house.listed()[0].ident, START, house.folder)
    assert invite.call(BY, EVENT, (OUTSIDE,), NOW, house.folder) is not None


def test_it_is_no_convocation_and_ends_by_itself_or_with_the_agent(house: House) -> None:
    house.called()
    house.called(person("anne"), by=person("bruno"))
    assert orders.mine("bruno", START, house.folder) == [] == orders.mine("anne", START, house.folder)
    assert invite.forget("bruno", house.folder) and not invite.forget("bruno", house.folder)
    assert [one.shared != "" for one in store.every(house.folder)] == [True]
    end = datetime.datetime(2026, 6, 15, 9).astimezone().timestamp()
    assert store.prune(end + 4 * DAY, 365, house.folder, meeting_days=5) == []
    assert len(store.prune(end + 6 * DAY, 365, house.folder, meeting_days=5)) == 1


def test_the_link_of_a_room_is_nobody_s_to_guess() -> None:
    links = {invite.visio_link("https://visio.ac-exemple.test") for _turn in range(50)}
    assert len(links) == 50 and all(one.startswith("https://visio.ac-exemple.test/reunion-") for one in links)
    link = invite.visio_link("https://webconf.ac-exemple.test/{slug}/join")
    assert link.endswith("/join") and len(link.split("/")[3]) == 36
    assert invite.visio_link("") == ""
    bare = Event("t", EVENT.begin, EVENT.end)
    assert invite.with_visio(bare, link).place == link and invite.with_visio(bare, "") == bare
    placed = invite.with_visio(Event("t", EVENT.begin, EVENT.end, "Salle 3", "Texte"), link)
    assert (placed.place, placed.text) == ("Salle 3", f"Texte\nVisioconférence\N{NO-BREAK SPACE}: {link}")


def test_an_open_meeting_is_open(house: House) -> None:
    house.called()
    (one,) = store.every(house.folder)
    assert (one.stage, one.office, one.mail) == (Stage.OPEN, "anne", f"anne@{DOMAIN}")
    assert [str(each.answer) for each in one.invitees] == [Answer.YES, "", ""]
