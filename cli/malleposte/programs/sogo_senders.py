"""Let SOGo offer each delegate the boxes of functions among the senders, as the directory has them; sign agents' mail.

Usage: sogo-senders BASE BIND_DN URI DATABASE PROFILE[,PROFILE...] STATE[,STATE...] TEMPLATE

SOGo offers the addresses of the agent's own entry, and what stands in the preference `SOGoMailIdentities`. The boxes
that an agent opens (`mpOpens`) are kept there, by SOGo's own tool, which tells its cache too; what the agent wrote
stays. That somebody is offered a sender decides nothing: submission refuses who is no delegate.

TEMPLATE is the file of the academy's signature, which may be empty. Whoever has used SOGo and has no signature gets it
there, once: what the agent makes of it afterwards stays, even if that is nothing.
"""

from __future__ import annotations

import html
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from malleposte.adapters import ldapsearch, ldif, postgresql
from malleposte.core.errors import MallepostError
from malleposte.core.loops import named
from malleposte.directory.query import All, AnyOf, Equal, Search
from malleposte.platform import signature
from malleposte.platform.identity import is_uid
from malleposte.runtime import kit, owner

PREFERENCE = "SOGoMailIdentities"
READ = """SELECT coalesce(json_object_agg(c_uid, CASE WHEN c_defaults IS JSON OBJECT
THEN c_defaults::json -> 'SOGoMailIdentities' END), '{}')
FROM sogo_user_profile WHERE c_uid IN (SELECT json_array_elements_text(:'uids'));
"""
USERS = "SELECT coalesce(json_agg(c_uid), '[]') FROM sogo_user_profile;\n"
SECONDS = 45
SIGNED_AT_ONCE = 100
"""Agents who get a signature in one run: SOGo's tool takes a second for each."""

Identity = dict[str, Any]
Entry = dict[str, list[str]]


@dataclass(frozen=True)
class Agent:
    """A sender: name, address, all addresses, and the boxes, by address."""

    name: str
    mail: str
    addresses: frozenset[str]
    boxes: Mapping[str, str]


def readable(entries: Iterable[ldif.Entry]) -> list[Entry]:
    """The entries that have a uid, with their values as text."""
    return [entry for entry in ldapsearch.text(entries) if "uid" in entry]


def agents(boxes: Iterable[Entry], people: Iterable[Entry]) -> dict[str, Agent]:
    """Return the agents whom the directory lets send as a box, by uid."""
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


def signed(before: list[Identity], agent: Agent, text: str) -> list[Identity]:
    """The identities with the academy's signature, where the agent's own have none."""
    own = [one for one in before if address(one) in agent.addresses]
    if not text or any(one.get("signature") for one in own):
        return before
    words = "<br>".join(html.escape(line, quote=False) for line in text.splitlines())
    if not own:
        return [{"email": agent.mail, "fullName": agent.name, "isDefault": 1, "signature": words}, *before]
    return [{**one, "signature": words} if one in own else one for one in before]


def signatures(template: str, people: Iterable[Entry], search: Search) -> dict[str, str]:
    """The signature of each of these agents, by uid. Raises MallepostError."""
    found = {one["uid"][0]: one for one in people}
    codes = {code for one in found.values() for code in one.get("mpEstablishment", [])[:1]}
    schools = {}
    if codes and "{school}" in template:
        asked = All((Equal("objectClass", "mpSchool"), AnyOf(tuple(Equal("mpEstablishment", code) for code in codes))))
        schools = {one["mpEstablishment"][0]: one["o"][0] for one in search(asked, ("mpEstablishment", "o"))}
    return {
        uid: signature.filled(
            template,
            {
                "name": one.get("cn", [""])[0],
                "function": one.get("mpFunction", [""])[0],
                "school": schools.get(one.get("mpEstablishment", [""])[0], ""),
                "mail": one.get("mail", [""])[0],
            },
        )
        for uid, one in found.items()
    }


def stored(database: str, uids: Iterable[str]) -> dict[str, list[Identity]]:
    """Return the senders that SOGo has for these agents. Raises MallepostError."""
    asked = f"\\set uids '{json.dumps(sorted(uid for uid in uids if is_uid(uid)))}'\n{READ}"
    found = json.loads(postgresql.sql(database, asked, user="", timeout=SECONDS))
    return {uid: [one for one in listed or [] if isinstance(one, dict)] for uid, listed in found.items()}


def store(uid: str, identities: list[Identity]) -> str:
    """Give SOGo an agent's identities; what it said where that failed."""
    argv = ["sogo-tool", "user-preferences", "set", "defaults", uid, PREFERENCE, json.dumps({PREFERENCE: identities})]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=SECONDS)
    return "" if done.returncode == 0 else done.stderr.strip()[-500:] or f"exit code {done.returncode}"


def sign(template: str, database: str, memory: Path, people: Callable[[str], list[Entry]], search: Search) -> int:
    """Sign who has used SOGo and was not looked at before; how many failed. Raises MallepostError.

    `people` are those of a filter. `memory` holds who was looked at.
    """
    done = kit.state(memory, _uids) or set()
    seen = json.loads(postgresql.sql(database, USERS, user="", timeout=SECONDS))
    new = sorted(uid for uid in seen if is_uid(uid) and uid not in done)[:SIGNED_AT_ONCE]
    if not new:
        return 0
    found = people(f"(|{''.join(f'(uid={uid})' for uid in new)})")
    texts, known, old = signatures(template, found, search), agents([], found), stored(database, new)
    failed = set[str]()
    for uid in sorted(known):
        faults: list[str] = []
        with named(faults.append):
            had = old.get(uid, [])
            if (now := signed(had, known[uid], texts[uid])) != had and (said := store(uid, now)):
                faults.append(said)
        failed |= _told(uid, faults)
    owner.replace(memory, json.dumps(sorted(done.union(new) - failed)))
    return len(failed)


def _uids(text: str) -> set[str]:
    return {str(uid) for uid in [*json.loads(text)]}


def _told(uid: str, faults: Iterable[str]) -> set[str]:
    """Say what went wrong with an agent, whose uid comes back where anything did."""
    lines = [f"<4>{uid}: {fault}" for fault in faults]
    print("\n".join(lines), end="\n" if lines else "", file=sys.stderr)
    return {uid} if lines else set()


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != 7:
        print(__doc__.splitlines()[2].replace("Usage:", "usage:"), file=sys.stderr)
        return 2
    base, bind_dn, uris, database = words[:4]
    # An agent who was offered a box before may open none now.
    memory = Path(os.environ["STATE_DIRECTORY"], "delegates.json")
    failed = 0
    try:
        # Of others SOGo knows nothing, and its tool could not tell it anything of them.
        conditions = {"mpProfile": words[4], "mpState": words[5]}
        known = "".join(
            f"(|{''.join(f'({name}={one})' for one in given.split(','))})" for name, given in conditions.items()
        )
        where = (base, bind_dn, uris, Path(os.environ["CREDENTIALS_DIRECTORY"], "ldap-password"))
        boxes = readable(ldapsearch.search(*where, "(objectClass=mpFunctionalBox)", "uid", "cn", "mail"))
        told = ("uid", "cn", "mail", "mailLocalAddress", "mpOpens", "mpFunction", "mpEstablishment")

        def people(condition: str) -> list[Entry]:
            return readable(ldapsearch.search(*where, f"(&{condition}{known})", *told))

        wanted = agents(boxes, people("(mpOpens=*)"))
        before = kit.state(memory, _uids) or set()
        every_box = frozenset(box["mail"][0].lower() for box in boxes if "mail" in box)
        old = stored(database, before | wanted.keys())
        owner.replace(memory, json.dumps(sorted(before | wanted.keys())))
        for uid in sorted(before | wanted.keys()):
            faults: list[str] = []
            with named(faults.append):
                had = old.get(uid, [])
                now = renewed(had, wanted.get(uid), every_box)
                # SOGo may not know an agent any more: that is no failure.
                if now != had and (said := store(uid, now)) and uid in wanted:
                    faults.append(said)
            failed |= bool(_told(uid, faults))
        owner.replace(memory, json.dumps(sorted(wanted)))
        if template := Path(words[6]).read_text("utf-8").strip():
            failed |= bool(
                sign(template, database, memory.with_name("signed.json"), people, ldapsearch.searcher(*where))
            )
    except (MallepostError, subprocess.TimeoutExpired) as error:
        print(f"<3>the senders of SOGo are as they were: {error}", file=sys.stderr)
        return 1
    return failed
