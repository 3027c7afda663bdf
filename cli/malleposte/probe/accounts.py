"""The probe's own accounts on a platform, and passwords that no interruption loses.

An account that exists is never touched. The file of passwords is written before the first entry that needs it, and a
password that it holds is used again: whenever this is interrupted, no account has a password that nobody knows.
"""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from malleposte.core.errors import MallepostError
from malleposte.directory.errors import AlreadyThere
from malleposte.directory.model import Agent, State, agent_attributes
from malleposte.directory.protocol import Branch, Directory
from malleposte.directory.query import Query
from malleposte.fleet import reach, vault
from malleposte.platform.classes import Classes
from malleposte.policy import rules
from malleposte.probe.facts import accounts_file


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

    def __add__(self, other: "SeedReport") -> "SeedReport":
        return SeedReport(self.created + other.created, self.present + other.present, self.unknown + other.unknown)


def seed(inventory: Path) -> SeedReport:
    """Create the probe accounts that the platform of an inventory does not have.

    Raises MallepostError when the directory cannot be reached.
    """
    where = reach.place(inventory)
    with reach.directory(inventory, where) as directory:
        return seed_probes(directory, where, inventory)


def seed_probes(directory: Directory, where: reach.Place, inventory: Path) -> SeedReport:
    """Create the missing probe accounts in a directory that is open already."""
    probes = probe_agents(where.domain, where.classes)
    return seed_agents(directory, probes, accounts_file(inventory))


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
    listed = list(agents)
    there = uids_of(directory, "people")
    passwords = vault.read_table(table)
    report = SeedReport()
    missing = [agent for agent in listed if agent.uid not in there]
    for agent in listed:
        if agent.uid in there:
            report.present.append(agent.uid)
            if agent.uid not in passwords:
                report.unknown.append(agent.uid)
    for agent in missing:
        password = passwords.get(agent.uid, {}).get("password") or rules.generate(context_of(agent))
        since = passwords.get(agent.uid, {}).get("since") or datetime.datetime.now(datetime.UTC).date().isoformat()
        passwords[agent.uid] = account_row(agent.mail, agent.profile, agent.name, "agent", password) | {"since": since}
    if missing:
        vault.write_table(table, passwords)
    for agent in missing:
        attributes = agent_attributes(agent) | {"userPassword": [passwords[agent.uid]["password"]]}
        try:
            directory.add(agent.dn(directory.suffix), attributes)
        except AlreadyThere as error:
            message = f"{agent.uid} cannot be created: its log-in or its address {agent.mail} belongs to another entry"
            raise MallepostError(message) from error
        report.created.append(agent.uid)
    return report


def account_row(mail: str, profile: str, name: str, kind: str, password: str) -> dict[str, Any]:
    """Return the row of an account in a table of passwords."""
    return {"mail": mail, "profile": profile, "name": name, "kind": kind, "password": password}


def uids_of(directory: Directory, branch: Branch, match: Query | None = None) -> set[str]:
    """Return the log-in names of a branch, of the entries that match."""
    return {uid for entry in directory.search(branch, ["uid"], match) for uid in entry.attributes.get("uid", [])}
