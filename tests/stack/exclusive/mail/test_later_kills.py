"""A message of « À envoyer » goes exactly once, though its daemons, the mail server or Dovecot are killed meanwhile."""

from __future__ import annotations

import json
import random
import time

import pytest
from malleposte.platform.mailstore import TO_SEND

from tests.stack.shared.mail.test_later import LEDGER, SENT, Later
from tests.stack.support.mail import Mail, wait_for
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site

pytestmark = [pytest.mark.full, pytest.mark.rings("UnitInactive", "UnitRestarts", "PortDoesNotAnswer")]

AGENTS, MESSAGES, SECONDS = 6, 6, 60
KILLS = {
    "later": "systemctl kill --signal=KILL malleposte-later.service",
    "submit": "systemctl kill --signal=KILL malleposte-later-submit.service",
    "postfix": "systemctl kill --signal=KILL postfix.service; sleep 1; systemctl start postfix.service",
    "dovecot": "systemctl kill --signal=KILL dovecot.service; sleep 1; systemctl start dovecot.service",
}
STATES = """
import json, sqlite3, sys
given = json.load(sys.stdin)
with sqlite3.connect(given["ledger"], timeout=30) as link:
    rows = link.execute("SELECT uid, state, reason, detail FROM orders").fetchall()
print(json.dumps([row for row in rows if row[0] in given["uids"]]))
"""


def subjects(site: Site, account: Account, folder: str) -> list[str]:
    rows = json.loads(
        site.run("mail1", f"doveadm -f json fetch -u {account.uid} hdr.subject mailbox '{folder}' ALL", check=False)
        or "[]"
    )
    return sorted(row["hdr.subject"] for row in rows)


def test_each_message_goes_once(site: Site, people: People, mail: Mail) -> None:
    sink, random_ = people.agent(), random.Random(32)
    agents = [Later(site, mail, people.agent()) for _ in range(AGENTS)]
    given = json.dumps({"ledger": LEDGER, "uids": [one.account.uid for one in agents]})

    def states() -> list[list[str]]:
        return list(json.loads(site.run("mail1", "/usr/bin/python3", "-c", f"'{STATES}'", given=given)))

    words: dict[str, list[str]] = {}
    for one in agents:
        session = mail.imap(one.account)
        words[one.account.uid] = sorted(
            one.lay(TO_SEND, sink.mail, session, X_Malleposte_Send_At="+45") for _ in range(MESSAGES)
        )
    mail.close()
    wait_for(lambda: len(states()) == AGENTS * MESSAGES, 60, "orders are taken")
    wait_for(lambda: any(state != "ordered" for _uid, state, *_more in states()), 90, "the first one leaves")
    killed, end = dict.fromkeys(KILLS, 0), time.monotonic() + SECONDS
    while time.monotonic() < end:
        kind = random_.choice(list(KILLS))
        site.run("mail1", KILLS[kind], check=False)
        killed[kind] += 1
        time.sleep(random_.uniform(0.2, 3))
    units = "dovecot postfix malleposte-later-submit malleposte-later"
    site.run("mail1", f"systemctl reset-failed {units}; systemctl start {units}")
    wait_for(lambda: all(state == "filed" for _uid, state, *_more in states()), 300, "all of them left")
    assert min(killed.values()) > 0, killed
    everything = sorted(word for some in words.values() for word in some)
    wait_for(lambda: len(subjects(site, sink, "INBOX")) >= len(everything), 120, "all of them arrive")
    time.sleep(10)
    assert subjects(site, sink, "INBOX") == everything
    for one in agents:
        assert subjects(site, one.account, SENT) == words[one.account.uid]
        assert subjects(site, one.account, TO_SEND) == []
