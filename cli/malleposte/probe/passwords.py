"""The passwords of the probe's accounts, renewed in time: they end like any agent's, and nobody would be warned.

A new one is written down before it is set and takes the old one's place after: an interruption between the two is made
good by the next run.
"""

from __future__ import annotations

import datetime
from pathlib import Path

from malleposte.directory.errors import PasswordRefused
from malleposte.directory.model import State
from malleposte.directory.protocol import Directory
from malleposte.fleet import vault
from malleposte.platform.classes import Classes
from malleposte.policy import rules
from malleposte.probe.accounts import context_of, probe_agents

DAYS = 90
"""Age at which a password is renewed; far below what a platform may ask."""


def due(table: Path, today: datetime.date) -> bool:
    """Whether a password of the table is old, of unknown age, or half renewed."""
    rows = vault.read_table(table).values()
    return any("next" in row or _age(row.get("since"), today) > DAYS for row in rows)


def _age(since: object, today: datetime.date) -> float:
    try:
        return (today - datetime.date.fromisoformat(str(since))).days
    except ValueError:
        return float("inf")


def renew(directory: Directory, domain: str, classes: Classes, table: Path, today: datetime.date) -> None:
    """Give every probe account of the table a new password. Raises DirectoryError; typed again, it goes on."""
    rows = vault.read_table(table)
    agents = [agent for agent in probe_agents(domain, classes) if agent.uid in rows]
    for agent in agents:
        rows[agent.uid].setdefault("next", rules.generate(context_of(agent)))
    vault.write_table(table, rows)
    for agent in agents:
        row = rows[agent.uid]
        try:
            directory.set_password(agent.dn(directory.suffix), row["next"], {"mpState": [State.ACTIVE.value]})
        except PasswordRefused:
            # Set by a run that was interrupted: the directory does not take it twice.
            if not directory.log_in(agent.dn(directory.suffix), row["next"]).ok:
                raise
        row |= {"password": row.pop("next"), "since": today.isoformat()}
    vault.write_table(table, rows)
