"""Seed a platform: the sample accounts of a lab, and the probe's own accounts of any platform.

An account that exists is never touched, but for a box that nobody opens yet: it gets what the sample says. The file
of passwords is written before the first entry that needs it, and a password that it holds is used again: whenever
this is interrupted, no account has a password that nobody knows.
"""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from malleposte.accounts import sample
from malleposte.accounts.boxes import mirror
from malleposte.core.errors import MallepostError
from malleposte.directory.errors import AlreadyThere
from malleposte.directory.model import (
    Agent,
    Attributes,
    FunctionalBox,
    State,
    agent_attributes,
    box_attributes,
)
from malleposte.directory.protocol import Branch, Directory
from malleposte.directory.query import Present, Query
from malleposte.fleet import reach, vault
from malleposte.platform.classes import Classes
from malleposte.policy import rules

SAMPLE = "sample-accounts.csv"
ACCOUNTS = "accounts.json"
PROBES = "probe-accounts.json"


@dataclass
class SeedReport:
    """The result: log-in names created, those that existed, those whose password no file here holds."""

    created: list[str] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether the directory changed."""
        return bool(self.created)


def seed(inventory: Path, *, probe_only: bool = False) -> SeedReport:
    """Create what is missing of the inventory's sample accounts and of the probe accounts.

    `inventory` is the inventory's folder. An inventory without sample file, or `probe_only`, gets the probe accounts
    alone. Raises MallepostError when the directory cannot be reached, InputError when the file is wrong.
    """
    folder = inventory if inventory.is_dir() else inventory.parent
    where = reach.place(inventory)
    wanted = sample.Sample((), ())
    if not probe_only and (folder / SAMPLE).exists():
        wanted = sample.read(folder / SAMPLE, where.domain)
    with reach.directory(inventory, where) as directory:
        probes = probe_agents(where.domain, where.classes)
        report = seed_agents(directory, probes, folder / "secrets" / PROBES)
        return _joined(report, _seed_sample(directory, wanted, folder / "secrets" / ACCOUNTS))


def _seed_sample(directory: Directory, wanted: sample.Sample, table: Path) -> SeedReport:
    if not wanted.agents and not wanted.boxes:
        return SeedReport()
    report = seed_agents(directory, wanted.agents, table)
    return _joined(report, seed_boxes(directory, wanted.boxes, table))


def _joined(first: SeedReport, second: SeedReport) -> SeedReport:
    return SeedReport(first.created + second.created, first.present + second.present, first.unknown + second.unknown)


def probe_agents(domain: str, classes: Classes) -> list[Agent]:
    """The accounts of the end-to-end probe, kept out of lists and address books.

    One is of SOGo, one of Radicale, and the third has a second factor. Where no class has the store, the account is of
    the default class.
    """

    def of(store: str) -> str:
        having = [name for name, one in classes.items() if one.agenda == store]
        return classes.default if classes.default in having or not having else min(having)

    return [
        Agent(
            uid=f"probe{number}",
            given_name="Sonde",
            surname=word,
            mail=f"probe{number}@{domain}",
            profile=profile,
            state=State.ACTIVE,
            hidden=True,
        )
        for number, word, profile in (
            *((1, "Première", of("sogo")), (2, "Seconde", of("radicale"))),
            (3, "Troisième", of("radicale")),
        )
    ]


def context_of(agent: Agent) -> rules.Context:
    """Return the words that a password of this agent must not hold."""
    names = (agent.given_name, agent.surname)
    return rules.Context(agent.uid, agent.login_aliases, names, (agent.mail, *agent.addresses))


def seed_agents(directory: Directory, agents: Iterable[Agent], table: Path) -> SeedReport:
    """Create the agents that are missing, with random passwords kept in the table."""
    wanted = list(agents)
    there = _uids(directory, "people")
    known = vault.read_table(table)
    report = SeedReport()
    missing = [agent for agent in wanted if agent.uid not in there]
    for agent in wanted:
        if agent.uid in there:
            report.present.append(agent.uid)
            if agent.uid not in known:
                report.unknown.append(agent.uid)
    for agent in missing:
        password = known.get(agent.uid, {}).get("password") or rules.generate(context_of(agent))
        since = known.get(agent.uid, {}).get("since") or datetime.datetime.now(datetime.UTC).date().isoformat()
        known[agent.uid] = _row(agent.mail, agent.profile, agent.name, "agent", password) | {"since": since}
    if missing:
        vault.write_table(table, known)
    for agent in missing:
        attributes = agent_attributes(agent) | {"userPassword": [known[agent.uid]["password"]]}
        try:
            directory.add(agent.dn(directory.suffix), attributes)
        except AlreadyThere as error:
            message = f"{agent.uid} cannot be created: its log-in or its address {agent.mail} belongs to another entry"
            raise MallepostError(message) from error
        report.created.append(agent.uid)
    return report


def _beside_names(box: FunctionalBox) -> Attributes:
    names = ("objectClass", "uid", "mail", "mailLocalAddress")
    return {name: values for name, values in box_attributes(box).items() if name not in names}


def seed_boxes(directory: Directory, boxes: Iterable[FunctionalBox], table: Path) -> SeedReport:
    """Create the functional boxes that are missing; they have no password, their delegates open them."""
    there = _uids(directory, "functional")
    opened = _uids(directory, "functional", Present("mpDelegate"))
    known = vault.read_table(table)
    report = SeedReport()
    changed = False
    for box in boxes:
        if box.uid in there:
            report.present.append(box.uid)
            if box.uid not in opened and box.delegates:
                directory.modify(box.dn(directory.suffix), _beside_names(box))
        else:
            directory.add(box.dn(directory.suffix), box_attributes(box))
            report.created.append(box.uid)
        row = _row(box.mail, box.profile, box.name, "functional", "") | {"delegates": list(box.delegates)}
        changed = changed or known.get(box.uid) != row
        known[box.uid] = row
    for change in mirror(directory):
        directory.modify(change.dn, change.after)
    if changed:
        vault.write_table(table, known)
    return report


def _row(mail: str, profile: str, name: str, kind: str, password: str) -> dict[str, Any]:
    return {"mail": mail, "profile": profile, "name": name, "kind": kind, "password": password}


def _uids(directory: Directory, branch: Branch, match: Query | None = None) -> set[str]:
    return {uid for entry in directory.search(branch, ["uid"], match) for uid in entry.attributes.get("uid", [])}
