"""Agendas and contacts of accounts in the stores of the web hosts."""

from __future__ import annotations

import functools
from typing import Annotated

import msgspec

from malleposte.accounts import facts
from malleposte.accounts.agendas import Moved
from malleposte.accounts.channels import checked
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.hosts.model import AGENDAS
from malleposte.accounts.hosts.table import Uid, act, first_with, only
from malleposte.accounts.mailbox.tools.events import agendas as watched
from malleposte.accounts.mailbox.tools.events.model import LOOKS, Agenda, Changes, Event, Look
from malleposte.accounts.meetings import times
from malleposte.accounts.meetings.model import MOST_PEOPLE, Appointment, Asked, Times
from malleposte.core.errors import MallepostError

ONE_HOST = first_with("agendas", *AGENDAS, hint="deploy the hosts of the group web, then the directory's")

SOON = 5.0
"""Seconds for what a page waits for."""


class AgendaRoom(msgspec.Struct, frozen=True):
    """MB that agendas take, and that they may take; 0 where the class has no agendas on this host."""

    used_mb: int = 0
    most_mb: int = 0


Looks = Annotated[tuple[Look, ...], msgspec.Meta(max_length=LOOKS)]
Group = Annotated[tuple[Asked, ...], msgspec.Meta(max_length=MOST_PEOPLE)]
Moment = Annotated[str, msgspec.Meta(pattern=r"^\d{8}T\d{6}Z\Z")]


@act(on=ONE_HOST, merge=only, in_turn=True, accountd=True)
def settle(host: LocalHost, uid: Uid, profile: str) -> Moved:
    """Bring the account's agendas and contacts to the stores of a class."""
    return host.agendas().settle(checked(uid), profile)


@act(on=ONE_HOST, merge=only, accountd=True)
def own_days(host: LocalHost, one: Asked, begin: Moment, end: Moment) -> list[Appointment] | None:
    """Return the events of an agent's own agenda between two moments; None where they cannot be read in time."""
    ask = functools.partial(times.by_socket, target="/own", seconds=SOON)
    return times.own(host.agendas(), one, (begin, end), host.sogo_sql, ask)


@act(on=ONE_HOST, merge=only)
def holders(host: LocalHost) -> dict[str, list[str]]:
    """Return the accounts that have something in each store of agendas."""
    return {name: list(uids) for name, uids in host.agendas().holders().items()}


@act(on=ONE_HOST, merge=only, accountd=True)
def busy_times(host: LocalHost, people: Group, begin: Moment, end: Moment) -> list[Times]:
    """Return when these agents are busy between two moments."""
    return times.read(host.agendas(), people, (begin, end), host.sogo_sql, times.by_socket)


@act(on=ONE_HOST, merge=only, accountd=True)
def agendas_of(host: LocalHost, uid: Uid, profile: str) -> list[Agenda]:
    """Return the agent's own agendas."""
    return watched.own(host.agendas(), uid, profile)


@act(on=ONE_HOST, merge=only, accountd=True)
def agenda_room(host: LocalHost, uid: Uid, profile: str) -> AgendaRoom:
    """Return the room of the agendas and address books of an agent of a class."""
    try:
        store = host.agendas().changes(profile)
    except MallepostError:
        return AgendaRoom()
    return AgendaRoom(store.octets(checked(uid)) >> 20, int(facts.read()["agenda"]["room_mb"]))


@act(on=ONE_HOST, merge=only, accountd=True)
def agenda_changes(host: LocalHost, looks: Looks) -> list[Changes]:
    """Return the events that changed in these agendas, without their texts."""
    return watched.changed(host.agendas(), looks)


@act(on=ONE_HOST, merge=only)
def new_events(host: LocalHost, question: watched.Question) -> list[Event]:
    """Return of events that are new in an agenda what a tool may be told."""
    return watched.read(host.agendas(), question, functools.partial(times.by_socket, target="/news"))
