"""Make and revoke device passwords: what the command line and accountd call.

A password is shown once, to the one who asked for it; the directory has a salted digest. A revoked one stops at once:
the entry goes, Dovecot forgets what it remembers, and the connections of this device, and of no other, are cut.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from malleposte.accounts.channels import Failure
from malleposte.accounts.devices import follow
from malleposte.accounts.hosts.methods import ForAccountd
from malleposte.accounts.journal import Journal
from malleposte.core.errors import InputError, MallepostError
from malleposte.directory.devices import COPIED, Device, device_attributes
from malleposte.directory.errors import AlreadyThere
from malleposte.directory.model import State, first
from malleposte.directory.protocol import Directory
from malleposte.policy import devices as form
from malleposte.policy import salted

MOST = 20
"""Devices of an account, unless the platform says otherwise."""
LONGEST_NAME = 64
MOST_NETWORKS = 20
_ATTEMPTS = 5
"""Identifiers tried; that the first of 2^40 is taken does not happen."""


@dataclass(frozen=True)
class Specification:
    """A device to be made. Without `expires` it is good until it is revoked, without `networks` from anywhere."""

    name: str
    scopes: Sequence[str] = form.SCOPES
    expires: datetime.datetime | None = None
    networks: Sequence[str] = ()


@dataclass(frozen=True)
class NewDevice:
    """A new device, and its password, to be shown once."""

    device: Device
    password: str = field(repr=False)


def add(
    directory: Directory,
    journal: Journal,
    uid: str,
    specification: Specification,
    now: datetime.datetime,
    *,
    most: int = MOST,
) -> NewDevice:
    """A new device of an active account. Raises InputError on one that cannot be made."""
    name, scopes, networks = _judged(specification, now)
    owner = next(iter(directory.search("people", COPIED, {"uid": uid})), None)
    if owner is None:
        raise InputError(f"no account {uid}", "accounts find looks for names and addresses too")
    state = first(owner.attributes, "mpState")
    if state != State.ACTIVE:
        raise InputError(f"{uid} is {state}: only an active account has devices")
    count = len(follow.of(directory, uid))
    if count >= most:
        raise InputError(f"{uid} has {count} devices, of {most} at most", "revoke one that is no longer used")
    for _attempt in range(_ATTEMPTS):
        password = form.generate()
        ident = form.identifier(password)
        device = Device(ident, uid, name, scopes, now, specification.expires, state=state, networks=networks)
        attributes = device_attributes(device, owner.attributes, salted.make(password))
        try:
            directory.add(device.dn(directory.suffix), attributes)
        except AlreadyThere:
            continue
        journal.write("device-add", uid, **follow.described(device))
        journal.sync()
        return NewDevice(device, password)
    raise MallepostError(f"{uid}: no free identifier was found", "run this again")


def _judged(specification: Specification, now: datetime.datetime) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    name = " ".join(specification.name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InputError("a device has a name, of 64 characters at most", "give one that its owner will recognise")
    strange = sorted(set(specification.scopes) - set(form.SCOPES))
    if strange or not specification.scopes:
        raise InputError(f"{strange[0] if strange else 'nothing'} is no scope", f"scopes are {', '.join(form.SCOPES)}")
    if specification.expires is not None and specification.expires <= now:
        raise InputError("the end of a device lies in the past")
    networks = tuple(sorted({_network(text) for text in specification.networks}))
    if len(networks) > MOST_NETWORKS:
        raise InputError(f"a device has {MOST_NETWORKS} networks at most", "give one network that holds several")
    return name, tuple(scope for scope in form.SCOPES if scope in specification.scopes), networks


def _network(text: str) -> str:
    """A network as it is kept: an address alone is the network of itself."""
    try:
        return str(ipaddress.ip_network(text.strip()))
    except ValueError as error:
        remedy = "write it as 192.0.2.0/24 or 2001:db8::/32, without bits of a host"
        raise InputError(f"{text} is no network", remedy) from error


def find(directory: Directory, uid: str, which: str) -> Device:
    """A device of an account by its identifier or, where only one has it, by its name. Raises InputError."""
    devices = follow.of(directory, uid)
    matching = [one for one in devices if one.ident == which.lower()] or [
        one for one in devices if one.name.lower() == " ".join(which.split()).lower()
    ]
    if len(matching) != 1:
        several = "has several devices of the name" if matching else "has no device"
        raise InputError(f"{uid} {several} {which}", f"accounts device list {uid}")
    return matching[0]


def revoke(directory: Directory, journal: Journal, hosts: ForAccountd, device: Device, note: str = "") -> list[Failure]:
    """Remove a device, at once everywhere; the hosts that were not reached. Can be run again."""
    follow.remove(directory, journal, device, note)
    journal.sync()
    return cut(hosts, device)


def cut(hosts: ForAccountd, device: Device) -> list[Failure]:
    """End what a removed device still has open; the hosts that were not reached."""
    try:
        return hosts.cut(device.owner, device.ident)
    except (MallepostError, OSError) as error:
        return [Failure("dovecot", str(error))]


def row(device: Device) -> dict[str, Any]:
    """A device as a document for programs."""
    return follow.described(device) | {"state": device.state}
