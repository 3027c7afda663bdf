"""Answers in the box of an office: which messages are read, and whose answers count."""

from __future__ import annotations

import base64
import datetime
import json
from types import SimpleNamespace
from typing import Any

import pytest
from malleposte.accounts.convocations import count, replies
from malleposte.accounts.convocations.model import Answer, Convocation, Person, Stage, Way
from malleposte.accounts.convocations.replies import RawReply
from malleposte.core.errors import InputError
from malleposte.directory.model import State

from .office import DOMAIN, START, agent, convocation, directory, people
from .test_itip import reply

SINCE = datetime.date(2026, 6, 1)
GUID, OTHER = "a" * 32, "b" * 32
STRUCTURE = '("text" "plain" NIL NIL NIL "7bit" 5 1 NIL NIL NIL NIL)("text" "calendar" ("method" "REPLY")'


def mail(text: str, method: str = "REPLY", name: str = "text/calendar") -> str:
    content = base64.encodebytes(text.encode()).decode()
    return (
        'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="x"\n\n--x\nContent-Type: text/plain\n\nOui\n'
        f"--x\nContent-Type: {name}; method={method}; charset=utf-8\nContent-Transfer-Encoding: base64\n"
        f"\n{content}\n--x--\n"
    )


class Doveadm:
    """A box: rows by folder and number; what was asked of it."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, int], dict[str, str]] = {}
        self.read: list[int] = []

    def put(
        self, number: int, text: str = "", *, author: str = f"anne@{DOMAIN}", folder: str = GUID, **more: str
    ) -> None:
        self.rows[folder, number] = {
            "uid": str(number), "hdr.x-malleposte-author": author, "imap.bodystructure": STRUCTURE,
            "size.physical": "2000", "date.received": "2026-06-02 09:00:00", "text": text, **more,
        }  # fmt: skip

    def __call__(self, *words: str, timeout: float) -> Any:
        assert timeout and words[3:5] == ("-u", "dec")
        if "search" in words:
            found = [{"mailbox-guid": folder, "uid": str(number)} for folder, number in self.rows]
            return SimpleNamespace(stdout=json.dumps(found))
        folder, numbers = words[words.index("mailbox-guid") + 1], words[-1].split(",")
        if words[6] == "text":
            self.read += map(int, numbers)
        kept = [row for (where, number), row in self.rows.items() if where == folder and str(number) in numbers]
        return SimpleNamespace(stdout=json.dumps([{name: row[name] for name in row} for row in kept]))


def test_an_answer_is_read_once_and_what_follows_later() -> None:
    box, one = Doveadm(), convocation("anne")
    box.put(3, mail(reply(one, one.invitees[0])))
    box.put(1, mail("BEGIN:x"), folder=OTHER)
    found = replies.read("dec", SINCE, {}, box)
    assert {raw.text[:5] for raw in found.replies} == {"BEGIN"} and len(found.replies) == 2
    assert (found.seen, found.more, found.unread) == ({GUID: 3, OTHER: 1}, False, [])
    assert replies.read("dec", SINCE, found.seen, box).replies == []
    box.put(4, mail("BEGIN:y"))
    assert [raw.text for raw in replies.read("dec", SINCE, found.seen, box).replies] == ["BEGIN:y"]


@pytest.mark.parametrize(
    "changed",
    [
        {"author": ""}, {"author": f"anne@{DOMAIN}, autre@{DOMAIN}"}, {"author": "Anne"},
        {"imap.bodystructure": '("text" "plain" NIL)'}, {"size.physical": str(10 << 20)},
    ],
)  # fmt: skip
def test_what_is_no_small_answer_of_a_verified_author_is_not_read_whole(changed: dict[str, str]) -> None:
    box = Doveadm()
    box.put(1, mail("BEGIN:x"), **changed)
    assert replies.read("dec", SINCE, {}, box).replies == [] and box.read == []
    box.put(2, mail("BEGIN:x"))
    assert len(replies.read("dec", SINCE, {}, box).replies) == 1 and box.read == [2]


@pytest.mark.parametrize(
    "text",
    [
        mail("x", "REQUEST"),
        mail("x", "CANCEL"),
        mail("x", name="text/plain"),
        mail("x" * 70_000),
        "",
        "\0",
        "Content-Type: x",
    ],
)
def test_a_part_that_is_no_answer_is_passed_over(text: str) -> None:
    assert list(replies.calendars(text)) == []
    assert list(replies.calendars(mail("x"))) == ["x"]


def test_a_message_that_cannot_be_read_stops_no_other_and_a_flood_hides_none() -> None:
    box = Doveadm()
    box.put(1, mail("BEGIN:x"), **{"date.received": "jamais"})
    for number in range(2, 700):
        box.put(number, author="")
    box.put(700, mail("BEGIN:y"))
    first = replies.read("dec", SINCE, {}, box)
    assert first.more and len(first.unread) == 1 and first.replies == []
    second = replies.read("dec", SINCE, first.seen, box)
    assert [raw.text for raw in second.replies] == ["BEGIN:y"] and not second.more


def counter(one: Convocation, *uids: str) -> count.Counter:
    return count.Counter([one], people(directory(*uids)))


def raw(one: Convocation, number: int = 0, *, word: str = "ACCEPTED", author: str = "", at: float = START) -> RawReply:
    invitee = one.invitees[number]
    return RawReply(author or invitee.person.address, int(at), reply(one, invitee, word))


def test_an_answer_of_the_invited_agent_counts_and_the_last_one_stands() -> None:
    one = convocation("anne")
    (anne,) = one.invitees
    held = counter(one, "anne")
    assert held.count(raw(one)) is one and (anne.answer, anne.way, anne.answered) == (Answer.YES, Way.MAIL, START)
    assert held.count(raw(one)) is None, "twice the same is one"
    assert held.count(raw(one, word="DECLINED", at=START + 60)) is one
    assert held.count(raw(one, at=START + 30)) is None and anne.answer is Answer.NO, "an older one came late"
    anne.reply(Answer.YES, Way.PORTAL, int(START + 90))
    assert held.count(raw(one, word="DECLINED", at=START + 80)) is None and anne.answer is Answer.YES


def test_an_agent_answers_from_every_own_address() -> None:
    one = convocation("anne")
    assert counter(one, "anne").count(raw(one, author=f"ancien.anne@{DOMAIN}")) is one


@pytest.mark.parametrize("author", [f"bruno@{DOMAIN}", "voleur@lointain.example", f"dec@{DOMAIN}"])
def test_nobody_answers_for_another(author: str) -> None:
    one = convocation("anne", "bruno")
    held = counter(one, "anne", "bruno")
    with pytest.raises(InputError, match=r"that .* wrote"):
        held.count(raw(one, author=author))
    swapped = RawReply(
        f"anne@{DOMAIN}", int(START), reply(one, one.invitees[0]).replace(f"anne@{DOMAIN}", f"bruno@{DOMAIN}")
    )
    with pytest.raises(InputError, match="an answer for bruno"):
        held.count(swapped)
    assert [invitee.answer for invitee in one.invitees] == [Answer.SILENCE, Answer.SILENCE]
    assert held.count(raw(one)) is one


def test_an_answer_to_no_invitation_or_one_of_another_office_is_refused() -> None:
    one, other = convocation("anne"), convocation("anne")
    other.ident = "20260601-080000-9999"
    with pytest.raises(InputError, match="no invitation"):
        counter(one, "anne").count(raw(other))
    draft = convocation("anne", stage=Stage.DRAFT)
    with pytest.raises(InputError, match="no invitation"):
        counter(draft, "anne").count(raw(draft))


def test_an_answer_to_earlier_hours_or_to_what_is_off_changes_nothing() -> None:
    one = convocation("anne")
    (anne,) = one.invitees
    early = raw(one)
    anne.change(anne.event)
    held = counter(one, "anne")
    assert held.count(early) is None and anne.answer is Answer.SILENCE
    late = raw(one, at=START + 5)
    assert held.count(late) is one
    last = raw(one, word="DECLINED", at=START + 9)
    anne.call_off()
    assert held.count(last) is None and anne.answer is Answer.YES


def test_outside_the_address_itself_answers() -> None:
    one = convocation("anne")
    (anne,) = one.invitees
    anne.person = Person("ami@lointain.example")
    held = counter(one)
    with pytest.raises(InputError, match="wrote"):
        held.count(raw(one, author="autre@lointain.example"))
    assert held.count(raw(one)) is one


def test_who_has_no_account_any_more_answers_nothing() -> None:
    one = convocation("parti")
    with pytest.raises(InputError, match="nobody"):
        counter(one).count(raw(one))
    held = directory()
    agent(held, "parti", State.SUSPENDED)
    assert count.Counter([one], people(held)).count(raw(one)) is one
