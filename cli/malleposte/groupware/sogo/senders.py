"""Functional boxes among the senders that SOGo offers their delegates, as the directory has them; agents' signatures.

SOGo offers the addresses of the agent's own entry, and what stands in a preference. The boxes that an agent opens
(`mpOpens`) are kept there, by SOGo's own tool, which tells its cache too; what the agent wrote stays. That somebody is
offered a sender decides nothing: submission refuses who is no delegate.

Whoever has used SOGo and has no signature gets the academy's there, once: what the agent makes of it afterwards stays,
even if that is nothing.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from malleposte.adapters.sogo import Sql, profiles, tool
from malleposte.core.loops import named
from malleposte.directory.query import All, AnyOf, Equal, Present, Query, Search, Values
from malleposte.groupware.sogo.reading import Reading
from malleposte.platform import signature
from malleposte.platform.identity import is_uid
from malleposte.runtime import kit, owner

SIGNED_AT_ONCE = 100
"""Agents who get a signature in one run: SOGo's tool takes a second for each."""
_AGENT = ("cn", "mail", "mailLocalAddress", "mpOpens", "mpFunction", "mpEstablishment")

Identity = dict[str, Any]
Store = Callable[[str, Sequence[Mapping[str, Any]]], str]
"""Gives SOGo an agent's senders; returns what went wrong."""
People = Callable[[Query], Mapping[str, Values]]
"""The agents who have SOGo, may log in and meet a condition, by uid."""


@dataclass(frozen=True)
class Agent:
    """A sender: name, address, all addresses, and the boxes, by address."""

    name: str
    mail: str
    addresses: frozenset[str]
    boxes: Mapping[str, str]


def agents(boxes: Mapping[str, Values], people: Mapping[str, Values]) -> dict[str, Agent]:
    """Return the agents whom the directory lets send as a box, by uid."""
    boxes_by_uid = {
        uid: (box["mail"][0].lower(), box.get("cn", [uid])[0]) for uid, box in boxes.items() if "mail" in box
    }
    return {
        uid: Agent(
            one.get("cn", [uid])[0],
            one["mail"][0],
            frozenset(address.lower() for address in [*one["mail"], *one.get("mailLocalAddress", [])]),
            dict(sorted(boxes_by_uid[box] for box in one.get("mpOpens", []) if box in boxes_by_uid)),
        )
        for uid, one in people.items()
        if "mail" in one
    }


def address(identity: Identity) -> str:
    """Of an identity, in small letters."""
    return str(identity.get("email", "")).lower()


def renewed(before: list[Identity], agent: Agent | None, every_box: frozenset[str]) -> list[Identity]:
    """An agent's identities: the agent's own first and as they were, then the boxes that the agent opens."""
    own = [one for one in before if address(one) not in every_box]
    if agent is None or not agent.boxes:
        # With nothing but what SOGo says by itself, it may say it again, and follow a change of name.
        return [] if len(own) == 1 and not own[0].get("signature") and len(own) < len(before) else own
    written = {address(one): one for one in before}
    # Else the first box would be the sender of every message. After a change of name both differ: it is renewed.
    mine = {"email": agent.mail, "fullName": agent.name, "isDefault": 1}
    own = [
        {**one, "email": agent.mail, "fullName": agent.name}
        if address(one) in agent.addresses and address(one) != agent.mail.lower() and one.get("fullName") != agent.name
        else one
        for one in own
    ]
    if not any(address(one) in agent.addresses for one in own):
        own.insert(0, mine)
    return [*own, *(written.get(mail, {"email": mail, "fullName": name}) for mail, name in agent.boxes.items())]


def signed(before: list[Identity], agent: Agent, text: str) -> list[Identity]:
    """The identities with the academy's signature, where the agent's own have none."""
    own = [one for one in before if address(one) in agent.addresses]
    if not text or any(one.get("signature") for one in own):
        return before
    words = "<br>".join(html.escape(line, quote=False) for line in text.splitlines())
    if not own:
        return [{"email": agent.mail, "fullName": agent.name, "isDefault": 1, "signature": words}, *before]
    return [{**one, "signature": words} if one in own else one for one in before]


def signatures(template: str, people: Iterable[Values], search: Search) -> dict[str, str]:
    """The signature of each of these agents, by uid. Raises MallepostError."""
    entries = {one["uid"][0]: one for one in people}
    codes = {code for one in entries.values() for code in one.get("mpEstablishment", [])[:1]}
    schools = {}
    if codes and "{school}" in template:
        asked = All((Equal("objectClass", "mpSchool"), AnyOf(tuple(Equal("mpEstablishment", code) for code in codes))))
        schools = {one["mpEstablishment"][0]: one["o"][0] for one in search(asked, ("mpEstablishment", "o"))}
    return {
        uid: signature.filled(
            template,
            signature.values(one, schools.get(one.get("mpEstablishment", [""])[0], "")),
        )
        for uid, one in entries.items()
    }


def place(
    reading: Reading, states: Sequence[str], template: str, sql: Sql, folder: Path, store: Store = tool.set_identities
) -> Iterator[tuple[str, str]]:
    """Bring SOGo to the delegates of the directory; yield each agent with whom something went wrong, and the fault.

    `states` are those in which an agent may log in: of others SOGo knows nothing, and its tool could not tell it
    anything of them. `template` is the academy's signature, which may be empty. `folder` remembers who was offered a
    box, and may open none now, and who was looked at for a signature. Raises MallepostError.
    """
    active = AnyOf(tuple(Equal("mpState", one) for one in states))

    def people(condition: Query) -> Mapping[str, Values]:
        return reading.entries(reading.with_sogo(active, condition), *_AGENT)

    memory = folder / "delegates.json"
    delegates = agents(reading.boxes, people(Present("mpOpens")))
    before = kit.state(memory, _uids) or set()
    every_box = frozenset(box["mail"][0].lower() for box in reading.boxes.values() if "mail" in box)
    old = profiles.identities(sql, before | delegates.keys())
    owner.replace(memory, json.dumps(sorted(before | delegates.keys())))
    for uid in sorted(before | delegates.keys()):
        faults: list[str] = []
        with named(faults.append):
            had = old.get(uid, [])
            now = renewed(had, delegates.get(uid), every_box)
            # SOGo may not know an agent any more: that is no failure.
            if now != had and (said := store(uid, now)) and uid in delegates:
                faults.append(said)
        yield from ((uid, fault) for fault in faults)
    owner.replace(memory, json.dumps(sorted(delegates)))
    if template.strip():
        yield from sign(template.strip(), sql, folder / "signed.json", people, reading.search, store)


def sign(
    template: str, sql: Sql, memory: Path, people: People, search: Search, store: Store = tool.set_identities
) -> Iterator[tuple[str, str]]:
    """Sign who has used SOGo and was not looked at before; yield each agent with whom that failed, and the fault.

    `memory` holds who was looked at. Raises MallepostError.
    """
    done = kit.state(memory, _uids) or set()
    new = sorted(uid for uid in profiles.users(sql) if is_uid(uid) and uid not in done)[:SIGNED_AT_ONCE]
    if not new:
        return
    entries = people(AnyOf(tuple(Equal("uid", uid) for uid in new)))
    texts, signers, old = (
        signatures(template, entries.values(), search),
        agents({}, entries),
        profiles.identities(sql, new),
    )
    failed = set[str]()
    for uid in sorted(signers):
        faults: list[str] = []
        with named(faults.append):
            had = old.get(uid, [])
            if (now := signed(had, signers[uid], texts[uid])) != had and (said := store(uid, now)):
                faults.append(said)
        failed |= {uid} if faults else set()
        yield from ((uid, fault) for fault in faults)
    owner.replace(memory, json.dumps(sorted(done.union(new) - failed)))


def _uids(text: str) -> set[str]:
    return {str(uid) for uid in [*json.loads(text)]}
