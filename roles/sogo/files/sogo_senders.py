#!/usr/bin/python3
# Managed by Malleposte; a change made here is overwritten.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let SOGo offer each delegate the boxes of functions among the senders, as the directory has them.

Usage: sogo-senders BASE BIND_DN URI DATABASE PROFILE[,PROFILE...] STATE[,STATE...]

SOGo offers the addresses of the agent's own entry, and what stands in the preference `SOGoMailIdentities`. The boxes
that an agent opens (`mpOpens`) are kept there, by SOGo's own tool, which tells its cache too; what the agent wrote
stays. That somebody is offered a sender decides nothing: submission refuses who is no delegate.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PREFERENCE = "SOGoMailIdentities"
READ = """SELECT coalesce(json_object_agg(c_uid, CASE WHEN c_defaults IS JSON OBJECT
THEN c_defaults::json -> 'SOGoMailIdentities' END), '{}')
FROM sogo_user_profile WHERE c_uid IN (SELECT json_array_elements_text(:'uids'));
"""
UID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
SECONDS = 45

Identity = dict[str, Any]
Entry = dict[str, list[str]]


@dataclass(frozen=True)
class Agent:
    """Who sends: name, address, all addresses, and the boxes, by address."""

    name: str
    mail: str
    addresses: frozenset[str]
    boxes: Mapping[str, str]


def entries(ldif: str) -> list[Entry]:
    """The entries of unwrapped LDIF (RFC 2849)."""
    found: list[Entry] = []
    for block in ldif.split("\n\n"):
        entry: Entry = {}
        for line in block.splitlines():
            name, _colon, value = line.partition(":")
            coded = value.startswith(":")
            text = base64.b64decode(value[1:]).decode("utf-8", "replace") if coded else value.strip()
            entry.setdefault(name, []).append(text)
        if "uid" in entry:
            found.append(entry)
    return found


def search(base: str, bind_dn: str, uri: str, condition: str, *attributes: str) -> list[Entry]:
    """Entries of the directory. Raises SubprocessError when it does not answer."""
    argv = ["ldapsearch", "-LLL", "-x", "-o", "ldif-wrap=no", "-o", "nettimeout=10", "-H", uri, "-D", bind_dn]
    argv += ["-y", str(Path(os.environ["CREDENTIALS_DIRECTORY"], "ldap-password")), "-b", base, condition]
    done = subprocess.run([*argv, *attributes], capture_output=True, text=True, check=True, timeout=SECONDS)
    return entries(done.stdout)


def agents(boxes: Iterable[Entry], people: Iterable[Entry]) -> dict[str, Agent]:
    """Whom the directory lets send as a box, by uid."""
    known = {box["uid"][0]: (box["mail"][0].lower(), box.get("cn", box["uid"])[0]) for box in boxes if "mail" in box}
    return {
        one["uid"][0]: Agent(
            one.get("cn", one["uid"])[0],
            one["mail"][0],
            frozenset(address.lower() for address in [*one["mail"], *one.get("mailLocalAddress", [])]),
            dict(sorted(known[uid] for uid in one.get("mpOpens", []) if uid in known)),
        )
        for one in people
        if "mail" in one
    }


def address(identity: Identity) -> str:
    """Of an identity, in small letters."""
    return str(identity.get("email", "")).lower()


def renewed(before: list[Identity], agent: Agent | None, every_box: frozenset[str]) -> list[Identity]:
    """An agent's identities: the agent's own first and as they were, then the boxes that the agent opens."""
    kept = [one for one in before if address(one) not in every_box]
    if agent is None or not agent.boxes:
        # With nothing but what SOGo says by itself, it may say it again, and follow a change of name.
        return [] if len(kept) == 1 and not kept[0].get("signature") and len(kept) < len(before) else kept
    written = {address(one): one for one in before}
    # Else the first box would be the sender of every message. After a change of name both differ: it is renewed.
    mine = {"email": agent.mail, "fullName": agent.name, "isDefault": 1}
    kept = [
        {**one, "email": agent.mail, "fullName": agent.name}
        if address(one) in agent.addresses and address(one) != agent.mail.lower() and one.get("fullName") != agent.name
        else one
        for one in kept
    ]
    if not any(address(one) in agent.addresses for one in kept):
        kept.insert(0, mine)
    return [*kept, *(written.get(mail, {"email": mail, "fullName": name}) for mail, name in agent.boxes.items())]


def stored(database: str, uids: Iterable[str]) -> dict[str, list[Identity]]:
    """What SOGo has of these agents. Raises SubprocessError."""
    argv = ["psql", "-AqtX", "-v", "ON_ERROR_STOP=1", database]
    asked = f"\\set uids '{json.dumps(sorted(uid for uid in uids if UID.fullmatch(uid)))}'\n{READ}"
    done = subprocess.run(argv, input=asked, capture_output=True, text=True, check=True, timeout=SECONDS)
    found = json.loads(done.stdout)
    return {uid: [one for one in listed or [] if isinstance(one, dict)] for uid, listed in found.items()}


def store(uid: str, identities: list[Identity]) -> str:
    """Give SOGo an agent's identities; what it said where that failed."""
    argv = ["sogo-tool", "user-preferences", "set", "defaults", uid, PREFERENCE, json.dumps({PREFERENCE: identities})]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=SECONDS)
    return "" if done.returncode == 0 else done.stderr.strip()[-500:] or f"exit code {done.returncode}"


def main(argv: list[str]) -> int:
    if len(argv) != 7:
        print("usage: sogo-senders BASE BIND_DN URI DATABASE PROFILE[,PROFILE...] STATE[,STATE...]", file=sys.stderr)
        return 2
    where, database = argv[1:4], argv[4]
    # Who was offered a box before may open none now.
    memory = Path(os.environ["STATE_DIRECTORY"], "delegates.json")
    failed = 0
    try:
        # Of others SOGo knows nothing, and its tool could not tell it anything of them.
        known = "".join(f"(|{''.join(f'({name}={one})' for one in given.split(','))})"
                        for name, given in (("mpProfile", argv[5]), ("mpState", argv[6])))  # fmt: skip
        boxes = search(*where, "(objectClass=mpFunctionalBox)", "uid", "cn", "mail")
        people = search(*where, f"(&(mpOpens=*){known})", "uid", "cn", "mail", "mailLocalAddress", "mpOpens")
        wanted = agents(boxes, people)
        before = set(json.loads(memory.read_text("utf-8"))) if memory.exists() else set()
        every_box = frozenset(box["mail"][0].lower() for box in boxes if "mail" in box)
        old = stored(database, before | wanted.keys())
        memory.write_text(json.dumps(sorted(before | wanted.keys())), "utf-8")
        for uid in sorted(before | wanted.keys()):
            had = old.get(uid, [])
            now = renewed(had, wanted.get(uid), every_box)
            # Whom SOGo does not know any more, it cannot be told of either: that is no failure.
            if now != had and (said := store(uid, now)) and uid in wanted:
                print(f"<4>{uid}: {said}", file=sys.stderr)
                failed = 1
        memory.write_text(json.dumps(sorted(wanted)), "utf-8")
    except subprocess.SubprocessError as error:
        said = getattr(error, "stderr", "") or str(error)
        print(f"<3>the senders of SOGo are as they were: {said.strip()[-500:]}", file=sys.stderr)
        return 1
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv))
