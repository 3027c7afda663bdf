"""The creation of one account by hand, with the entry that a feed would make."""

from __future__ import annotations

import datetime
from collections.abc import Container
from dataclasses import dataclass, replace

from malleposte.accounts import names
from malleposte.accounts.life.edits import checked_address, checked_log_in
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.core.errors import InputError
from malleposte.directory.model import Agent, agent_attributes
from malleposte.platform.times import stamp


@dataclass(frozen=True)
class Arrival:
    """A person: `agent` with an empty uid or mail where the name shall make them, and what else is known."""

    agent: Agent
    numen_digest: str = ""
    recovery_mail: str = ""
    recovery_phone: str = ""


def create(arrival: Arrival, suffix: str, domain: str, taken: Container[str], now: datetime.datetime) -> list[Change]:
    """The new entry. Raises InputError on a name out of which nothing can be made, or that is taken."""
    agent = arrival.agent
    try:
        uid = agent.uid or names.log_in_name(agent.given_name, agent.surname, taken)
        mail = agent.mail.lower() or names.address(agent.given_name, agent.surname, domain, taken)
    except names.UnusableName as error:
        raise InputError(str(error), "give --uid and --address") from error
    if agent.uid:
        checked_log_in(uid, taken, ())
    checked_address(mail, domain, taken, ())
    agent = replace(agent, uid=uid, mail=mail)
    attributes = agent_attributes(agent) | {"mpStateChanged": [stamp(now)]}
    more = {
        "mpNumenDigest": arrival.numen_digest,
        "mpRecoveryMail": arrival.recovery_mail,
        "mpRecoveryPhone": arrival.recovery_phone,
    }
    attributes |= {name: [value] for name, value in more.items() if value}
    return [Change(Kind.CREATE, uid, agent.dn(suffix), {}, attributes)]
