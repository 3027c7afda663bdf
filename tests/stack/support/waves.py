"""Waves of one message in many boxes that are full of other mail, and who of their owners finds a copy."""

from __future__ import annotations

import imaplib
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from malleposte.platform import mailstore

from tests.stack.support.mail import SEND, Mail, compose, wait_for
from tests.stack.support.site import Account, Site

AT_ONCE = 50
"""Recipients of a message."""
AS_VMAIL = "setpriv --reuid vmail --regid vmail --clear-groups"
BODY = "Votre compte sera fermé. Confirmez votre mot de passe sur https://{word}.example.org/pia avant midi.\n" * 3
FILL = f"""
import os, pathlib, sys
os.umask(0o077)
base = pathlib.Path(sys.argv[1]) / ".wave-base"
base.mkdir(exist_ok=True)
for n in range(int(sys.argv[2])):
    text = f"From: ami@lointain.test\\nTo: x@y\\nSubject: note {{n}}\\nMessage-ID: <note-{{n}}@lointain.test>\\n\\n"
    text += "ligne de texte\\n" * 55
    (base / f"1790000000.M{{n}}P1.base,S={{len(text)}}:2,S").write_text(text)
    os.utime(base / f"1790000000.M{{n}}P1.base,S={{len(text)}}:2,S", (1790000000, 1790000000))
for home in sys.stdin.read().split():
    folder = pathlib.Path(home) / "{mailstore.MAILDIR}"
    for part in ("cur", "new", "tmp"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for one in base.iterdir():
        os.link(one, folder / "cur" / one.name)
"""


def typed(site: Site, *words: str) -> Any:
    """Type `malleposte mail …` on the directory's host; its JSON document."""
    said = site.run("mail1", "malleposte", "mail", *words, "--json", check=False, timeout=900)
    assert said.startswith(("{", "[")), said
    return json.loads(said)


def fill(site: Site, agents: Sequence[Account], messages: int) -> None:
    """Write other mail into boxes, as files: hard links of so many messages."""
    homes = "\n".join(str(mailstore.home_of(one.uid)) for one in agents)
    site.run("mail1", "cat > /tmp/wave-homes", given=homes)
    site.run("mail1", "cat > /tmp/wave-fill.py", given=FILL)
    words = f"{AS_VMAIL} python3 /tmp/wave-fill.py {mailstore.STORE} {messages} < /tmp/wave-homes"
    site.run("mail1", words, timeout=900)


def clear(site: Site) -> None:
    """Remove the messages of which the others are links."""
    site.run("mail1", f"rm -rf {mailstore.STORE}/.wave-base")


def send(site: Site, agents: Sequence[Account], word: str) -> str:
    """Send a wave to agents and wait until each box has it; its sender."""
    sender = f"{word}@lointain.test"
    for start in range(0, len(agents), AT_ONCE):
        there = [one.mail for one in agents[start : start + AT_ONCE]]
        message = compose(sender, "agents@ac-exemple.test", f"Alerte {word}", BODY.format(word=word))
        given = json.dumps({"sender": sender, "recipients": there, "message": message.decode()})
        site.run("world", "/usr/bin/python3", "-c", f"'{SEND}'", given=given)

    def all_there() -> Any:
        found = typed(site, "trace", "--from", sender, "--limit", "10000")["messages"]
        states = [to["state"] for one in found for to in one["recipients"] if to["account"]]
        return states.count("filed") >= len(agents)

    wait_for(all_there, 600, "the wave in all boxes")
    return sender


def reachable(mail: Mail, agents: list[Account], word: str) -> list[str]:
    """The accounts that find a copy in any folder that a client may open."""

    today = imaplib.Time2Internaldate(time.time() - 86_400)[1:12].strip()

    def look(one: Account) -> str:
        session = mail.imap(one)
        for line in session.list()[1]:
            assert isinstance(line, bytes)
            if session.select(line.decode().rpartition(' "/" ')[2], readonly=True)[0] != "OK":
                continue
            new = session.search(None, "SINCE", today)[1][0].split()
            heads = session.fetch(b",".join(new).decode(), "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1] if new else []
            if word in str(heads):
                session.logout()
                return one.uid
        session.logout()
        return ""

    with ThreadPoolExecutor(4) as pool:
        return [uid for uid in pool.map(look, agents) if uid]
