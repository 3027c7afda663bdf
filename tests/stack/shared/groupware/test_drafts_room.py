"""Files of messages that are written in SOGo have a room by agent: beyond it the agent is told, and others go on."""

from __future__ import annotations

import re
from pathlib import Path

from tests.stack.support.groupware import Groupware
from tests.stack.support.mail import Mail, token
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site
from tests.stack.support.webmail import multipart

FILE = bytes(30 << 20)


def draft_of(here: Groupware, account: Account, word: str, file: bytes = b"") -> tuple[str, str]:
    """Save a draft as the page does: the address of its folder, and its identifier there."""
    folder, draft = here.compose()
    if file:
        kind, body = multipart({}, "attachments", file)
        headers = {"Content-Type": kind, "X-XSRF-TOKEN": here.cookies.get("XSRF-TOKEN", "")}
        assert here.request("POST", f"{folder}/{draft}/save", body, headers=headers).status == 200
    saved = here.letter(f"{folder}/{draft}/save", to=[account.mail], subject=word, text="Bonjour")
    assert saved.status == 200, saved.text
    return folder, str(saved.json()["uid"])


def test_drafts_have_a_room_by_agent(site: Site, people: People, mail: Mail, ca_bundle: Path) -> None:
    account, other = (people.agent(profile="convergence") for _ in range(2))
    here, there = (Groupware(site, ca_bundle, one).login() for one in (account, other))
    host = site.host_of("web")
    room = int(re.findall(r"--room (\d+)", site.run(host, "systemctl cat sogo-front.service"))[-1])
    folder, uid = draft_of(here, account, token(), FILE)
    answers = []
    while not answers or answers[-1].status == 200:
        assert len(answers) <= room // 30 + 2, "drafts without end"
        answers.append(here.get(f"{folder}/{uid}/edit"))
    assert answers[-1].status == 507 and "toute la place prévue" in answers[-1].json()["message"]
    assert len(answers) >= room // 30 - 1
    assert int(site.run(host, f"du -sm /var/spool/sogo/{account.uid} | cut -f1")) < room + 70
    # The page goes on to show mail, a message that was begun leaves, and makes room.
    assert here.listed() == []
    begun, word = answers[0].json()["draftId"], token()
    assert here.letter(f"{folder}/{begun}/send", to=[account.mail], subject=word, text="B").status == 200
    mail.arrived(account, word)
    assert here.get(f"{folder}/{uid}/edit").status == 200
    # Another agent writes meanwhile.
    word = token()
    assert there.send(to=[other.mail], subject=word, text="Bonjour").status == 200
    mail.arrived(other, word)
    site.run(host, f"rm -rf /var/spool/sogo/{account.uid}/*")
