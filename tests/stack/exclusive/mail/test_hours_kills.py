"""Mail that waits moves once, whole and in order, though the mover, its doveadm or Dovecot are killed meanwhile."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import pytest
from malleposte.accountd.calls.mailbox.archiving import Archiving, SetArchiving
from malleposte.accountd.calls.mailbox.hours import AgentHours, SetHours
from malleposte.platform.mailstore import WAITING, home_of

from tests.stack.shared.mail.test_recall import TOMORROW, age, path
from tests.stack.support.mail import wait_for
from tests.stack.support.people import People
from tests.stack.support.portal import Portal
from tests.stack.support.site import Account, Site

pytestmark = [pytest.mark.full, pytest.mark.rings("UnitInactive", "UnitRestarts", "PortDoesNotAnswer")]

BOXES, MESSAGES, ROUNDS = 40, 20, 4
RECALLING = 15
NOTE = "/var/lib/malleposte-hours/moving.json"
NIGHT_KILL = "systemctl kill --signal=KILL malleposte-archiving.service"
HAND = """
import json, smtplib, sys
given = json.load(sys.stdin)
with smtplib.LMTP("/var/spool/postfix/private/dovecot-lmtp") as session:
    for number in range(given["first"], given["first"] + given["many"]):
        text = f"From: ami@lointain.test\\r\\nSubject: {number:06d}\\r\\n\\r\\nx\\r\\n"
        for uid in given["uids"]:
            session.sendmail("probe@lointain.test", [f"{uid}@stores.invalid"], text)
"""
FILL = """
import os, pathlib, sys, time
os.umask(0o077)
now, then = int(time.time()), time.mktime((2024, 3, 5, 12, 0, 0, 0, 0, -1))
for line in sys.stdin.read().split():
    for part in ("cur", "new", "tmp"):
        pathlib.Path(line, part).mkdir(parents=True, exist_ok=True)
    for n in range(int(sys.argv[1])):
        text = f"From: ami@lointain.test\\nSubject: {n:06d}\\n\\nx\\n"
        path = pathlib.Path(line, "new", f"{now}.M{n}P1.mail1,S={len(text)}")
        path.write_text(text)
        os.utime(path, (then, then))
"""
KILLS = {
    "mover": "systemctl kill --signal=KILL malleposte-hours.service",
    "doveadm": (
        "for pid in $(cat /sys/fs/cgroup/system.slice/malleposte-hours.service/cgroup.procs); do"
        " case $(cat /proc/$pid/comm) in doveadm) kill -9 $pid;; esac; done"
    ),
    "dovecot": "systemctl kill --signal=KILL dovecot.service",
}


def closed(site: Site) -> str:
    hour = (int(site.run("mail1", "date +%H")) + 12) % 24
    return f"1234567 {hour:02d}:00-{hour:02d}:30"


def every(portal: Portal, agents: list[Account], **parts: Any) -> None:
    answers = portal.ask(*(SetHours(portal.source, one.uid, portal.token(one.uid), **parts) for one in agents))
    assert all(isinstance(answer, AgentHours) for answer in answers), answers


def left(site: Site, agents: list[Account]) -> int:
    """Files that wait in these boxes."""
    folders = " ".join(f"'{home_of(one.uid)}/Maildir/.{WAITING}'/{part}" for one in agents for part in ("new", "cur"))
    return int(site.run("mail1", f"find {folders} -type f 2>/dev/null | wc -l"))


def inbox(site: Site, account: Account) -> list[str]:
    rows = json.loads(site.run("mail1", f"doveadm -f json fetch -u {account.uid} hdr.subject mailbox INBOX ALL"))
    return [row["hdr.subject"] for row in rows]


def deliver(site: Site, agents: list[Account], first: int) -> None:
    given = {"uids": [one.uid for one in agents], "first": first, "many": MESSAGES}
    site.run("mail1", "/usr/bin/python3", "-c", f"'{HAND}'", given=json.dumps(given), timeout=600)
    assert left(site, agents) == len(agents) * MESSAGES


def test_a_move_that_ended_before_dovecot_had_noted_it_is_made_anew(site: Site, people: People) -> None:
    portal, one = Portal(site), people.agent()
    every(portal, [one], on=True, slots=(closed(site),))
    deliver(site, [one], 0)
    # As a power loss leaves it: links in the inbox that no list of Dovecot's names, in another order.
    maildir = f"{home_of(one.uid)}/Maildir"
    links = (
        f"systemctl stop malleposte-hours.service; i=100; for file in '{maildir}/.{WAITING}/new'/*; do"
        f' ln "$file" {maildir}/new/1000000$i.M1P1.mail1; i=$((i - 1)); done; ls {maildir}/new | wc -l'
    )
    assert int(site.run("mail1", links)) == MESSAGES
    site.run("mail1", f"cat > {NOTE}", given=json.dumps([one.uid]))
    every(portal, [one], on=False)
    site.run("mail1", "systemctl start malleposte-hours.service")
    wait_for(lambda: left(site, [one]) == 0, 120, "all of it moved")
    assert inbox(site, one) == [f"{number:06d}" for number in range(MESSAGES)]


def test_nothing_is_lost_and_nothing_comes_twice(site: Site, people: People) -> None:
    portal = Portal(site)
    agents, rounds, random_ = [people.agent() for _ in range(BOXES)], 0, random.Random(32)
    slot = closed(site)
    killed = dict.fromkeys(KILLS, 0)
    for number in range(ROUNDS):
        every(portal, agents, on=True, slots=(slot,))
        deliver(site, agents, number * MESSAGES)
        every(portal, agents, on=False)
        end = time.monotonic() + 60
        while left(site, agents) and time.monotonic() < end:
            kind = random_.choice(list(KILLS))
            site.run("mail1", KILLS[kind], check=False)
            killed[kind] += 1
            time.sleep(random_.uniform(0.2, 3))
        site.run("mail1", "systemctl start dovecot.service malleposte-hours.service")
        # A box that was broken off is tried again after two minutes; a mover that starts anew tries at once.
        site.run("mail1", "systemctl restart malleposte-hours.service")
        wait_for(lambda: left(site, agents) == 0, 120, "all of it moved")
        rounds += 1
    assert rounds == ROUNDS and sum(killed.values()) >= ROUNDS, killed
    wanted = [f"{number:06d}" for number in range(ROUNDS * MESSAGES)]
    for one in agents:
        assert inbox(site, one) == wanted, one.uid
    print(f"killed: {killed}")


def test_recalled_messages_come_back_once_though_everything_is_killed(site: Site, people: People) -> None:
    portal, random_ = Portal(site), random.Random(70)
    agents, killed = [people.agent() for _ in range(RECALLING)], dict.fromkeys(KILLS, 0)
    every(portal, agents, recall=True)
    uids = [one.uid for one in agents]
    given = {"uids": uids, "first": 0, "many": MESSAGES}
    site.run("mail1", "/usr/bin/python3", "-c", f"'{HAND}'", given=json.dumps(given), timeout=600)
    for uid in uids:
        site.run("mail1", f"doveadm move -u {uid} '{TOMORROW}' mailbox INBOX ALL")
    age(site, uids, TOMORROW, 2)
    site.run("mail1", "systemctl restart malleposte-hours.service")
    end = time.monotonic() + 90
    while recalled(site, uids) and time.monotonic() < end:
        kind = random_.choice(list(KILLS))
        site.run("mail1", KILLS[kind], check=False)
        killed[kind] += 1
        time.sleep(random_.uniform(0.2, 3))
    site.run("mail1", "systemctl start dovecot.service")
    site.run("mail1", "systemctl restart malleposte-hours.service")
    wait_for(lambda: recalled(site, uids) == 0, 180, "all of it is back")
    assert sum(killed.values()) >= 3, killed
    for one in agents:
        ask = f"doveadm -f json fetch -u {one.uid} 'hdr.subject flags' mailbox INBOX ALL"
        rows = json.loads(site.run("mail1", ask))
        assert sorted(row["hdr.subject"] for row in rows) == [f"{number:06d}" for number in range(MESSAGES)], one.uid
        assert all("\\Flagged" in row["flags"] and "\\Seen" not in row["flags"] for row in rows), one.uid
    print(f"killed: {killed}")


def recalled(site: Site, uids: list[str]) -> int:
    folders = " ".join(f"'{path(uid, TOMORROW)}'/{part}" for uid in uids for part in ("new", "cur"))
    return int(site.run("mail1", f"find {folders} -type f 2>/dev/null | wc -l"))


def test_a_night_of_archiving_that_is_killed_ends_the_next_night(site: Site, people: People) -> None:
    portal, random_ = Portal(site), random.Random(71)
    agents = [people.agent() for _ in range(RECALLING)]
    uids = [one.uid for one in agents]
    site.run("mail1", "cat > /tmp/archiving-fill.py", given=FILL)
    homes = "\n".join(str(home_of(uid) / "Maildir") for uid in uids)
    user = "setpriv --reuid vmail --regid vmail --clear-groups"
    for uid in uids:
        site.run("mail1", f"doveadm mailbox status -u {uid} messages INBOX")  # the folder is there
    site.run("mail1", f"{user} python3 /tmp/archiving-fill.py {3 * MESSAGES}", given=homes)
    for uid in uids:
        site.run("mail1", f"doveadm flags add -u {uid} '\\Seen' mailbox INBOX ALL")
    answers = portal.ask(*(SetArchiving(portal.source, uid, portal.token(uid), months=6) for uid in uids))
    assert all(isinstance(answer, Archiving) for answer in answers), answers
    killed = 0
    for _ in range(12):
        site.run("mail1", "systemctl start --no-block malleposte-archiving.service")
        time.sleep(random_.uniform(0.3, 2))
        kind = random_.choice((NIGHT_KILL, KILLS["dovecot"]))
        site.run("mail1", kind, check=False)
        killed += 1
        # So many starts within ten seconds are more than systemd allows.
        site.run("mail1", "systemctl reset-failed dovecot.service; systemctl start dovecot.service")
        site.run("mail1", "systemctl reset-failed malleposte-archiving.service", check=False)
    for _ in range(2):  # the second finds nothing
        site.run("mail1", "systemctl start malleposte-archiving.service", timeout=600)
    wanted = [f"{number:06d}" for number in range(3 * MESSAGES)]
    for one in agents:
        assert inbox(site, one) == [], one.uid
        ask = f"doveadm -f json fetch -u {one.uid} hdr.subject mailbox Archives/2024 ALL"
        assert sorted(row["hdr.subject"] for row in json.loads(site.run("mail1", ask))) == wanted, one.uid
    print(f"killed: {killed}")
