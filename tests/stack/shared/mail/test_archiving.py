"""« Archivage »: a night archives what the agent chose, by year, with flags and dates; it is undone, and told once."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from malleposte.accountd.calls.mailbox.archiving import (
    Archiving,
    PutBack,
    SetArchiving,
    ShowArchiving,
    UndoArchiving,
)
from malleposte.accountd.calls.mailbox.hours import SetHours, ShowHours
from malleposte.accounts.mailbox.hours.recall import RECALLS
from malleposte.platform.mailstore import ARCHIVING, STORE

from tests.stack.support.mail import Mail, quoted
from tests.stack.support.people import People
from tests.stack.support.portal import Portal
from tests.stack.support.site import Account, Site

pytestmark = pytest.mark.scattered

ALONE = "flock /run/test-archiving"
UNIT = "malleposte-archiving.service"
NIGHT = f"{ALONE} sh -c 'systemctl reset-failed {UNIT}; systemctl start {UNIT}'"
"""Nights of tests that run side by side are one after the other: each sees what was there before. systemd starts a unit
only so often in a row."""
MONTH = """
import json, pathlib, sys
path = pathlib.Path(sys.argv[1])
kept = json.loads(path.read_text())
path.write_text(json.dumps(kept | {"month": sys.argv[2]}))
"""
SEEN = "\\Seen"
TOMORROW = RECALLS[0].folder


class Archive:
    """An agent who archives, as the portal asks accountd for it."""

    def __init__(self, site: Site, portal: Portal, account: Account, mail: Mail) -> None:
        self.site, self.portal, self.account = site, portal, account
        self.session = mail.imap(account)

    def ask(self, kind: Any, **parts: Any) -> Any:
        uid = self.account.uid
        return self.portal.one(kind(self.portal.source, uid, self.portal.token(uid), **parts))

    def set(self, months: int, **more: Any) -> Archiving:
        answer = self.ask(SetArchiving, months=months, **more)
        assert isinstance(answer, Archiving), answer
        return answer

    def show(self) -> Archiving:
        answer = self.ask(ShowArchiving)
        assert isinstance(answer, Archiving), answer
        return answer

    def add(self, word: str, day: str, *flags: str, folder: str = "INBOX", size: int = 1) -> None:
        text = f"From: ami@lointain.test\r\nSubject: {word}\r\n\r\n{'x' * size}\r\n"
        when = f'"{day} 12:00:00 +0100"'
        kind, answer = self.session.append(quoted(folder), f"({' '.join(flags)})", when, text.encode())
        assert kind == "OK", answer

    def lies(self, folder: str) -> list[tuple[str, str, frozenset[str]]]:
        """Subject, date and flags of a folder's messages."""
        ask = f"doveadm -f json fetch -u {self.account.uid} 'hdr.subject date.received flags' mailbox '{folder}' ALL"
        rows = json.loads(self.site.run("mail1", ask, check=False) or "[]")
        return sorted(
            (row["hdr.subject"], row["date.received"], frozenset(row["flags"].split()) - {"\\Recent"}) for row in rows
        )

    def words(self, folder: str) -> list[str]:
        return [word for word, _date, _flags in self.lies(folder)]

    def back_to(self, month: str) -> None:
        """Have the last letter been of another month."""
        path = f"{STORE}/{ARCHIVING}/{self.account.uid}.json"
        self.site.run("mail1", "cat > /run/test-month.py", given=MONTH)
        self.site.run("mail1", f"{ALONE} python3 /run/test-month.py {path} {month}")


@pytest.fixture
def agent(site: Site, people: People, mail: Mail) -> Callable[..., Archive]:
    return lambda **more: Archive(site, Portal(site), people.agent(**more), mail)


def test_a_night_archives_by_year_and_can_be_undone(agent: Any, site: Site, mail: Mail) -> None:
    one, other = agent(), agent()
    for each in (one, other):
        each.add("vieux", "05-Mar-2024", SEEN, "\\Answered", "$label2")
        each.add("hier", "31-Dec-2024", SEEN)
        each.add("non-lu", "05-Mar-2024")
        each.add("marque", "05-Mar-2024", SEEN, "\\Flagged")
    one.add("a-la-main", "05-Mar-2024", SEEN, folder="Archives")
    before = one.lies("INBOX")
    assert one.set(12).months == 12
    site.run("mail1", NIGHT)
    assert one.words("INBOX") == ["marque", "non-lu"] and len(other.words("INBOX")) == 4
    assert one.words("Archives/2024") == ["hier", "vieux"] and one.words("Archives") == ["a-la-main"]
    assert set(one.lies("Archives/2024")) <= set(before), "flags and dates"
    listed = b"".join(line for line in one.session.lsub()[1] if line)
    assert b"Archives/2024" in listed
    site.run("mail1", NIGHT)
    (night,) = one.show().nights
    assert [(each.folder, each.many) for each in night.folders] == [("Archives/2024", 2)]
    one.back_to("2020-01")
    site.run("mail1", NIGHT)
    letter = mail.arrived(one.account, "Archivage")
    assert b"2 dans Archives/2024" in letter and b"/compte/archivage" in letter
    site.run("mail1", NIGHT)
    assert mail.count(one.account, "Archivage") == 1 and mail.count(other.account, "Archivage") == 0
    answer = one.ask(UndoArchiving, at=night.at)
    assert isinstance(answer, PutBack) and answer.many == 2
    assert set(before) <= set(one.lies("INBOX")) and one.words("Archives/2024") == []
    assert one.show().months == 0 and one.show().nights == ()
    site.run("mail1", NIGHT)
    assert set(before) <= set(one.lies("INBOX"))


@pytest.mark.full
def test_a_label_can_be_asked_for_too(agent: Any, site: Site) -> None:
    one = agent()
    one.add("fait", "05-Mar-2024", SEEN, "$label5")
    one.add("lu", "05-Mar-2024", SEEN)
    assert one.set(6, done=True).label == "Fait"
    site.run("mail1", NIGHT)
    assert one.words("INBOX") == ["lu"] and one.words("Archives/2024") == ["fait"]


@pytest.mark.full
def test_a_full_mailbox_is_archived_as_any_other(agent: Any, site: Site) -> None:
    one = agent(quota_mb=1)
    for number in range(3):
        one.add(f"gros-{number}", "05-Mar-2024", SEEN, size=310_000)
    one.set(6)
    site.run("mail1", NIGHT)
    assert [word for word in one.words("INBOX") if "gros" in word] == [] and len(one.words("Archives/2024")) == 3
    shown = json.loads(site.run("mail1", f"doveadm -f json quota get -u {one.account.uid}"))
    assert next(int(row["percent"]) for row in shown if row["type"] == "STORAGE") >= 85


@pytest.mark.full
def test_an_operator_sees_it_turns_it_off_and_undoes_it(agent: Any, site: Site) -> None:
    one = agent()
    one.add("vieux", "05-Mar-2024", SEEN)
    one.set(6)
    site.run("mail1", NIGHT)
    uid = one.account.uid
    shown = json.loads(site.run("mail1", f"malleposte accounts archiving {uid} --json"))
    ((at, folders),) = shown["moved"]
    assert (shown["choice"]["months"], folders) == (6, {"Archives/2024": 1})
    assert "nothing is archived" in site.run("mail1", f"malleposte accounts archiving {uid} --off --reason essai")
    assert "nothing is archived" in site.run("mail1", f"malleposte accounts archiving {uid} --undo {at}")
    assert one.words("INBOX") == ["vieux"]
    assert "no such work" in site.run("mail1", f"malleposte accounts archiving {uid} --undo {at} 2>&1", check=False)


@pytest.mark.full
def test_another_class_keeps_hours_recalls_and_archiving(agent: Any, site: Site) -> None:
    one = agent()
    uid = one.account.uid
    one.add("vieux", "05-Mar-2024", SEEN)
    one.set(6)
    site.run("mail1", NIGHT)
    one.ask(SetHours, on=True, slots=("1234567 00:00-24:00",), recall=True)
    one.add("plus-tard", "05-Mar-2024", SEEN, folder=TOMORROW)
    before = (one.show(), one.ask(ShowHours))
    site.run("mail1", f"malleposte accounts profile {uid} convergence", timeout=300)
    assert (one.show(), one.ask(ShowHours)) == before and before[1].recalled == 1
    site.run("mail1", NIGHT)
    assert one.words(TOMORROW) == ["plus-tard"] and one.words("Archives/2024") == ["vieux"]
    assert one.ask(UndoArchiving, at=before[0].nights[0].at).many == 1 and one.words("INBOX") == ["vieux"]


@pytest.mark.full
def test_a_message_that_was_deleted_from_a_folder_comes_back_to_that_folder(agent: Any, site: Site) -> None:
    one = agent()
    uid = one.account.uid
    one.ask(SetHours, recall=True)
    one.add("plus-tard", "05-Mar-2024", SEEN, folder=TOMORROW)
    one.add("vieux", "05-Mar-2024", SEEN)
    one.set(6)
    site.run("mail1", NIGHT)
    for folder in (TOMORROW, "Archives/2024"):
        one.session.select(quoted(folder))
        one.session.store("1", "+FLAGS", "\\Deleted")
        one.session.expunge()
        one.session.close()
    assert one.ask(ShowHours).recalled == 0 == len(one.words("Archives/2024"))
    site.run("mail1", f"malleposte accounts undelete {uid} --all")
    assert one.words(TOMORROW) == ["plus-tard"] and one.words("Archives/2024") == ["vieux"]
    assert one.ask(UndoArchiving, at=one.show().nights[0].at).many == 1
