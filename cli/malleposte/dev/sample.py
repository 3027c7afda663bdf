"""Read the sample accounts that the repository ships: agents and functional boxes of a fictitious academy."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from malleposte.accounts import names
from malleposte.accounts.feed import values
from malleposte.core.errors import InputError
from malleposte.directory.model import Agent, FunctionalBox, State

COLUMNS = ("type", "prenom", "nom", "boite", "profil", "uai", "corps", "discipline", "fonction", "delegues", "numen")


@dataclass(frozen=True)
class Sample:
    """The accounts of the file, with log-in names and addresses given in the order of the rows."""

    agents: tuple[Agent, ...]
    boxes: tuple[FunctionalBox, ...]
    numens: Mapping[str, str] = field(default_factory=dict)
    """The NUMEN of some agents, by log-in name: without one a code opens nothing."""


def read(path: Path, domain: str) -> Sample:
    """The accounts of a file (UTF-8, `;`). Raises InputError with the line of what is wrong."""
    agents: list[Agent] = []
    boxes: list[FunctionalBox] = []
    numens: dict[str, str] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, delimiter=";")
        missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
        if missing:
            raise InputError(f"{path}: no column {', '.join(missing)}")
        for row in rows:
            try:
                if row["type"] == "agent":
                    agents.append(_agent(row, domain, agents))
                    numens |= {agents[-1].uid: values.numen(row["numen"])} if row["numen"] else {}
                elif row["type"] == "boite":
                    boxes.append(_box(row, domain))
                else:
                    raise ValueError(f"type {row['type']!r} is neither agent nor boite")
            except ValueError as error:
                raise InputError(f"{path}, line {rows.line_num}: {error}") from error
    return Sample(tuple(agents), tuple(boxes), numens)


def _agent(row: Mapping[str, str], domain: str, before: list[Agent]) -> Agent:
    uid = names.log_in_name(row["prenom"], row["nom"], {agent.uid for agent in before})
    mail = names.address(row["prenom"], row["nom"], domain, {agent.mail for agent in before})
    return Agent(
        uid=uid,
        given_name=row["prenom"],
        surname=row["nom"],
        mail=mail,
        profile=row["profil"],
        state=State.ACTIVE,
        establishments=tuple(row["uai"].split()),
        corps=row["corps"],
        discipline=row["discipline"],
        function=row["fonction"],
    )


def _box(row: Mapping[str, str], domain: str) -> FunctionalBox:
    local = row["boite"] or f"ce.{row['uai'].lower()}"
    return FunctionalBox(
        uid=local,
        name=row["nom"],
        mail=f"{local}@{domain}",
        profile=row["profil"],
        delegates=tuple(row["delegues"].split()),
        establishments=tuple(row["uai"].split()),
    )
