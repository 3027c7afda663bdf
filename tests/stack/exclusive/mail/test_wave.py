"""A wave in 300 boxes of 1,000 messages each is taken back within a minute, and given back as it was.

The rest of the boxes' mail is written as files: hard links of a thousand messages.
"""

from __future__ import annotations

import imaplib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from malleposte.platform import mailstore

from tests.stack.support.mail import SEND, Mail, compose, quoted, token, wait_for
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site

pytestmark = pytest.mark.full

BOXES, MESSAGES = 300, 1000
MOVED, COPIED, READ, INSIDE, OUTSIDE, DELETED, FULL = 40, 20, 20, 10, 5, 5, 5
AT_ONCE = 50
AS_VMAIL = "setpriv --reuid vmail --regid vmail --clear-groups"
BODY = "Votre compte sera fermé. Confirmez votre mot de passe sur https://{word}.example.org/pia avant midi.\n" * 3
FILL = """
import os, pathlib, sys
os.umask(0o077)
base = pathlib.Path(sys.argv[1]) / ".wave-base"
base.mkdir(exist_ok=True)
for n in range(int(sys.argv[2])):
    text = f"From: ami@lointain.test\\nTo: x@y\\nSubject: note {n}\\nMessage-ID: <note-{n}@lointain.test>\\n\\n"
    text += "ligne de texte\\n" * 55
    (base / f"1790000000.M{n}P1.base,S={len(text)}:2,S").write_text(text)
    os.utime(base / f"1790000000.M{n}P1.base,S={len(text)}:2,S", (1790000000, 1790000000))
for home in sys.stdin.read().split():
    folder = pathlib.Path(home) / "Maildir"
    for part in ("cur", "new", "tmp"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for one in base.iterdir():
        os.link(one, folder / "cur" / one.name)
"""


@pytest.fixture
def typed(site: Site) -> Any:
    """`malleposte mail …` on the directory's host: its JSON document."""

    def run(*words: str) -> Any:
        said = site.run("mail1", "malleposte", "mail", *words, "--json", check=False, timeout=900)
        assert said.startswith(("{", "[")), said
        return json.loads(said)

    return run


@pytest.fixture
def boxes(people: People, site: Site) -> list[Account]:
    """Agents whose boxes are full of other mail."""
    agents = [people.agent() for _ in range(BOXES)]
    homes = "\n".join(str(mailstore.home_of(one.uid)) for one in agents)
    site.run("mail1", "cat > /tmp/wave-homes", given=homes)
    site.run("mail1", "cat > /tmp/wave-fill.py", given=FILL)
    site.run(
        "mail1",
        f"{AS_VMAIL} python3 /tmp/wave-fill.py {mailstore.STORE} {MESSAGES} < /tmp/wave-homes",
        timeout=900,
    )
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


def reachable(mail: Mail, agents: list[Account], word: str) -> list[str]:
    """The accounts that find a copy in any folder that a client may open."""

    today = imaplib.Time2Internaldate(time.time() - 86_400)[1:12].strip()

    def look(one: Account) -> str:
        session = mail.imap(one)
        for line in session.list()[1]:
            session.select(line.decode().rpartition(' "/" ')[2], readonly=True)
            new = session.search(None, "SINCE", today)[1][0].split()
            heads = session.fetch(b",".join(new), "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1] if new else []
            if word in str(heads):
                session.logout()
                return one.uid
        session.logout()
        return ""

    with ThreadPoolExecutor(4) as pool:
        return [uid for uid in pool.map(look, agents) if uid]


def test_a_wave_in_300_boxes_is_taken_back_and_given_back(  # noqa: PLR0915
    boxes, mail, site, typed, people, record_property
):
    """Moved, copied, read, passed on inside and outside, deleted, and in boxes that are full."""
    word, groups = token(), parts(boxes)
    for one in groups["inside"]:
        mail.set_filter(one, "a", f'require "copy"; redirect :copy "{groups["plain"][0].mail}";').close()
    for one in groups["outside"]:
        mail.set_filter(one, "a", 'require "copy"; redirect :copy "voisin@lointain.test";').close()
    sender = f"{word}@lointain.test"
    for start in range(0, BOXES, AT_ONCE):
        there = [one.mail for one in boxes[start : start + AT_ONCE]]
        message = compose(sender, "agents@ac-exemple.test", f"Alerte {word}", BODY.format(word=word))
        given = json.dumps({"sender": sender, "recipients": there, "message": message.decode()})
        site.run("world", "/usr/bin/python3", "-c", f"'{SEND}'", given=given)

    def all_there() -> Any:
        found = typed("trace", "--from", sender, "--limit", "10000")["messages"]
        states = [to["state"] for one in found for to in one["recipients"] if to["account"]]
        return states.count("filed") >= BOXES

    wait_for(all_there, 600, "the wave in all boxes")
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
    assert reachable(mail, boxes, word) == []
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
    assert set(reachable(mail, boxes, word)) == visible
    session = mail.imap(groups["read"][0])
    session.select("INBOX")
    (number,) = session.search(None, "HEADER", "Subject", word)[1][0].split()
    assert {"\\Seen", "$Label1"} <= set(
        session.fetch(number, "(FLAGS)")[1][0].decode().replace(")", " ").replace("(", " ").split()
    )
    for one in groups["moved"]:
        assert mail.count(one, word) == 0 and mail.count(one, word, "À voir") == 1
    site.run("mail1", f"rm -rf {mailstore.STORE}/.wave-base")
