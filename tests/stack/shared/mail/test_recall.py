"""« Rappeler plus tard »: a message that an agent moved away comes back at its hour, once, unread and marked."""

import imaplib
import json
from collections.abc import Callable
from typing import Any

import pytest
from malleposte.accounts.mailbox.hours.recall import RECALLS
from malleposte.platform.mailstore import home_of

from tests.stack.shared.mail.test_hours import FRIEND, STRANGER, TICK, Hours, idle, told
from tests.stack.shared.mail.test_quarantine import subjects
from tests.stack.support.accounts_cli import Cli
from tests.stack.support.mail import Mail, quoted, wait_for
from tests.stack.support.people import People
from tests.stack.support.portal import Portal
from tests.stack.support.site import Site

pytestmark = pytest.mark.scattered

TOMORROW, MONDAY, WEEK = (one.folder for one in RECALLS)
OLDER = """
import os, sys
for line in sys.stdin.read().splitlines():
    for part in ("cur", "new"):
        folder = os.path.join(line, part)
        for name in os.listdir(folder):
            second, dot, rest = name.partition(".")
            older = str(int(second) - int(sys.argv[1])) + dot + rest
            os.rename(os.path.join(folder, name), os.path.join(folder, older))
"""


@pytest.fixture
def agent(site: Site, people: People) -> Callable[[], Hours]:
    def made() -> Hours:
        one = Hours(site, Portal(site), people.agent())
        assert one.set(recall=True).recall
        return one

    return made


def path(uid: str, folder: str) -> str:
    return str(home_of(uid) / "Maildir" / f".{folder.replace('/', '.')}")


def age(site: Site, uids: list[str], folder: str, days: int) -> None:
    """Have the messages of a folder been filed so many days before."""
    site.run("mail1", "cat > /tmp/recall-older.py", given=OLDER)
    given = "\n".join(path(uid, folder) for uid in uids)
    user = "setpriv --reuid vmail --regid vmail --clear-groups"
    site.run("mail1", f"{user} python3 /tmp/recall-older.py {days * 86400}", given=given)


def look(one: Hours) -> None:
    """Have the mover look at the agent: what was chosen changes."""
    one.set(**{"remove" if FRIEND in one.show().through else "add": (FRIEND,)})


def put(session: imaplib.IMAP4, folder: str) -> None:
    """Move what is in the inbox there, as most programs do."""
    session.select("INBOX")
    kind, answer = session.uid("MOVE", "1:*", quoted(folder))
    assert kind == "OK", answer


def flags(site: Site, uid: str, folder: str) -> list[set[str]]:
    rows = json.loads(site.run("mail1", f"doveadm -f json fetch -u {uid} flags mailbox '{folder}' ALL"))
    return [set(row["flags"].split()) for row in rows]


def counted(site: Site, uid: str) -> int:
    """Messages that the quota counts."""
    rows = json.loads(site.run("mail1", f"doveadm -f json quota get -u {uid}"))
    return next(int(row["value"]) for row in rows if row["type"] == "MESSAGE")


def test_a_message_comes_back_at_its_hour_unread_and_marked(agent: Any, site: Site, mail: Mail) -> None:
    one = agent()
    uid, session = one.account.uid, mail.imap(one.account)
    listed = b"".join(line for line in session.lsub()[1] if line)
    assert all(quoted(folder).encode() in listed for folder in (TOMORROW, MONDAY, WEEK)), listed
    word = one.hand(f"From: {STRANGER}")
    session.select("INBOX")
    session.store("1", "+FLAGS", "(\\Seen Dossier)")
    put(session, TOMORROW)
    look(one)
    assert one.show().recalled == 1 and subjects(site, one.account, "INBOX") == []
    phone = mail.imap(one.account)
    idle(phone)
    assert not told(phone, TICK + 2), "it came back before its hour"
    age(site, [uid], TOMORROW, 2)
    look(one)
    assert told(phone, 60), "the phone heard nothing"
    wait_for(lambda: subjects(site, one.account, "INBOX") == [word], what="it is in the inbox")
    assert flags(site, uid, "INBOX") == [{"\\Flagged", "Dossier"}] or flags(site, uid, "INBOX") == [
        {"\\Flagged", "Dossier", "\\Recent"}
    ]
    assert subjects(site, one.account, TOMORROW) == []
    assert Cli(site).json("undelete", uid)["messages"] == [], "what the agent moved there counts as deleted"
    look(one)
    assert subjects(site, one.account, "INBOX") == [word]
    assert counted(site, uid) == 1, "the quota has lost it"


@pytest.mark.full
def test_what_is_not_due_stays_and_what_was_moved_on_by_hand_too(agent: Any, site: Site, mail: Mail) -> None:
    one = agent()
    uid, session = one.account.uid, mail.imap(one.account)
    old, new = one.hand(f"From: {STRANGER}"), ""
    put(session, WEEK)
    age(site, [uid], WEEK, 9)
    new = one.hand(f"From: {STRANGER}")
    put(session, WEEK)
    moved = one.hand(f"From: {STRANGER}")
    put(session, TOMORROW)
    session.create("Projets")
    session.select(quoted(TOMORROW))
    session.uid("MOVE", "1:*", "Projets")
    look(one)
    wait_for(lambda: subjects(site, one.account, "INBOX") == [old], what="the old one is back")
    assert subjects(site, one.account, WEEK) == [new] and one.lies(moved) == ["Projets"]
    one.set(recall=False)
    wait_for(lambda: one.lies(new) == ["INBOX"], what="turned off, all of it is back")
    assert one.show().recalled == 0


@pytest.mark.full
def test_who_did_not_choose_it_has_folders_of_such_names_for_the_own_use(
    site: Site, people: People, mail: Mail
) -> None:
    one = Hours(site, Portal(site), people.agent())
    one.close()
    session = mail.imap(one.account)
    session.create(quoted(TOMORROW))
    session.append(quoted(TOMORROW), "", "", b"Subject: a\r\n\r\nx\r\n")
    age(site, [one.account.uid], TOMORROW, 30)
    look(one)
    phone = mail.imap(one.account)
    idle(phone)
    assert not told(phone, TICK + 2)
    assert subjects(site, one.account, TOMORROW) == ["a"]
