"""An office of a fictitious academy with agents, and a convocation of theirs."""

from __future__ import annotations

import datetime

from malleposte.accounts.convocations import plan
from malleposte.accounts.convocations.model import Convocation, Event, Invitee, Person, Plan, Row, Stage
from malleposte.accounts.convocations.people import People
from malleposte.accounts.credentials.digests import Keyring
from malleposte.accounts.life.renewal import Facts
from malleposte.directory.model import State
from malleposte.policy.model import Policy

from tests.support.directory import MemoryDirectory

NOW = datetime.datetime(2026, 6, 1, 8, tzinfo=datetime.UTC)
START = NOW.timestamp()
DOMAIN = "ac-exemple.test"
IDENT = "20260601-080000-3f2a"
KEYS = Keyring("k1", {"k1": b"1" * 32})
EVENT = Event(
    "Jury du baccalauréat", "2026-06-15T08:00", "2026-06-15T12:00", "Lycée Carnot, salle 3", "Apportez un stylo."
)
FACTS = Facts(
    DOMAIN, "académie d’Exemple", f"pia.{DOMAIN}", "03 00 00 00 00", f"aide@{DOMAIN}", "de 8 h à 17 h", "8 to 17",
    Policy(),
)  # fmt: skip


def directory(*uids: str) -> MemoryDirectory:
    """A directory with these agents, who are active, and the box of the office."""
    made = MemoryDirectory()
    for uid in uids:
        agent(made, uid)
    made.add(
        f"uid=dec,ou=functional,{made.suffix}",
        {
            "objectClass": ["mpFunctionalBox"], "uid": ["dec"], "cn": ["Division des examens"],
            "mail": [f"dec@{DOMAIN}"], "mailLocalAddress": [f"dec@{DOMAIN}"], "mpState": ["active"],
            "mpDelegate": ["chef"],
        },
    )  # fmt: skip
    return made


def agent(made: MemoryDirectory, uid: str, state: State = State.ACTIVE, numen: str = "", **more: list[str]) -> None:
    """Add an agent; `more` are attributes."""
    attributes = {
        "objectClass": ["mpAgent"], "uid": [uid], "cn": [f"Agent {uid.capitalize()}"], "mail": [f"{uid}@{DOMAIN}"],
        "mailLocalAddress": [f"{uid}@{DOMAIN}", f"ancien.{uid}@{DOMAIN}"], "mpState": [state.value],
        "mpProfile": ["convergence"], **more,
    }  # fmt: skip
    if numen:
        attributes["mpNumenDigest"] = [KEYS.digest("numen", numen)]
    made.add(f"uid={uid},ou=people,{made.suffix}", attributes)


def people(held: MemoryDirectory) -> People:
    """Return the look-up of a directory."""
    return People(held, KEYS, DOMAIN)


def person(uid: str) -> Person:
    """Return an agent as an invitation has it."""
    return Person(f"{uid}@{DOMAIN}", uid, f"Agent {uid.capitalize()}")


def convocation(*uids: str, event: Event = EVENT, **more: object) -> Convocation:
    """Return an open convocation of agents, to whom nothing was sent."""
    invitees = [Invitee(uid, f"{number:024x}", person(uid), event) for number, uid in enumerate(uids, 1)]
    facts = {"stage": Stage.OPEN, "invitees": invitees} | more
    return Convocation(
        IDENT,
        "jury",
        "dec",
        f"dec@{DOMAIN}",
        "Division des examens",
        DOMAIN,
        "root@dsi",
        int(START),
        **facts,  # type: ignore[arg-type]
    )


def row(
    who: str, *, line: int = 2, event: Event = EVENT, substitutes: tuple[str, ...] = (), reference: str = ""
) -> Row:
    """Return a row of a file."""
    return Row(line, who, event, substitutes, reference)


def planned(one: Convocation, rows: list[Row], held: MemoryDirectory, absent: plan.Absent = lambda uid: False) -> Plan:
    """Return the plan of rows."""
    return plan.build(one, rows, [], people(held), absent, START)
