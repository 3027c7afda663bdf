"""A wave in 300 boxes of 1,000 messages each is taken back within a minute, and given back as it was.

The rest of the boxes' mail is written as files: hard links of a thousand messages.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.stack.support import waves
from tests.stack.support.mail import quoted, token
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site

pytestmark = pytest.mark.full

BOXES, MESSAGES = 300, 1000
MOVED, COPIED, READ, INSIDE, OUTSIDE, DELETED, FULL = 40, 20, 20, 10, 5, 5, 5


@pytest.fixture
def typed(site: Site) -> Any:
    """`malleposte mail …` on the directory's host: its JSON document."""
    return lambda *words: waves.typed(site, *words)


@pytest.fixture
def boxes(people: People, site: Site) -> list[Account]:
    """Agents whose boxes are full of other mail."""
    agents = [people.agent() for _ in range(BOXES)]
    waves.fill(site, agents, MESSAGES)
    return agents


def parts(boxes: list[Account]) -> dict[str, list[Account]]:
    """The boxes by what their owners do with the message; the others leave it unread."""
    taken, groups = 0, {}
    for name, number in (
        ("moved", MOVED),
        ("copied", COPIED),
        ("read", READ),
        ("inside", INSIDE),
        ("outside", OUTSIDE),
        ("deleted", DELETED),
        ("full", FULL),
    ):
        groups[name] = boxes[taken : taken + number]
        taken += number
    return {**groups, "plain": boxes[taken:]}


def test_a_wave_in_300_boxes_is_taken_back_and_given_back(boxes, mail, site, typed, people, record_property):
    """Moved, copied, read, passed on inside and outside, deleted, and in boxes that are full."""
    word, groups = token(), parts(boxes)
    for one in groups["inside"]:
        mail.set_filter(one, "a", f'require "copy"; redirect :copy "{groups["plain"][0].mail}";').close()
    for one in groups["outside"]:
        mail.set_filter(one, "a", 'require "copy"; redirect :copy "voisin@lointain.test";').close()
    sender = waves.send(site, boxes, word)
    for name in ("moved", "copied", "read", "deleted"):
        for one in groups[name]:
            session = mail.imap(one)
            session.select("INBOX")
            (number,) = session.search(None, "HEADER", "Subject", word)[1][0].split()
            if name == "read":
                session.store(number, "+FLAGS", "(\\Seen $Label1)")
            elif name == "deleted":
                session.store(number, "+FLAGS", "\\Deleted")
                session.expunge()
            else:
                session.create(quoted("À voir"))
                session._simple_command("MOVE" if name == "moved" else "COPY", number.decode(), quoted("À voir"))
            session.logout()
    for one in groups["full"]:
        people.change(one, mpQuota=["1"])
    site.run("mail1", "doveadm auth cache flush")

    begun = time.monotonic()
    plan = typed("retract", "--from", sender, "--subject", word, "--reason", "essai", "--dry-run")
    planned = time.monotonic()
    assert len(plan["holders"]) == BOXES and plan["failures"] == []
    assert set(plan["readers"]) == {one.uid for one in groups["read"]}
    assert {uid for uid, _to in plan["out"]} == {one.uid for one in groups["outside"]}
    done = typed("retract", plan["ident"], "--yes", "--no-note")
    ended = time.monotonic()
    assert (done["left"], done["failures"]) == ([], [])
    record_property("plan", f"{BOXES} boxes in {planned - begun:.1f} s")
    record_property("retract", f"{len(done['copies'])} copies in {ended - planned:.1f} s")
    assert waves.reachable(mail, boxes, word) == []
    assert mail.count(groups["plain"][1], "note") == MESSAGES, "nothing else is touched"

    # The daemon of the boxes is killed while they are given back; typed again, it goes on.
    site.run(
        "mail1",
        f"(sleep 3; systemctl kill -s KILL dovecot) & malleposte mail undo {plan['ident']} --yes --json",
        check=False,
        timeout=900,
    )
    site.run("mail1", "systemctl start dovecot; sleep 2")
    back = typed("undo", plan["ident"], "--yes")
    undone = time.monotonic()
    record_property("undo", f"{undone - ended:.1f} s with a kill of Dovecot")
    assert back["failures"] == [], back["failures"][:3]
    visible = {one.uid for one in boxes} - {one.uid for one in groups["deleted"]}
    assert set(waves.reachable(mail, boxes, word)) == visible
    session = mail.imap(groups["read"][0])
    session.select("INBOX")
    (number,) = session.search(None, "HEADER", "Subject", word)[1][0].split()
    assert {"\\Seen", "$Label1"} <= set(
        session.fetch(number, "(FLAGS)")[1][0].decode().replace(")", " ").replace("(", " ").split()
    )
    for one in groups["moved"]:
        assert mail.count(one, word) == 0 and mail.count(one, word, "À voir") == 1
    waves.clear(site)
