"""The accounts with which hosts walk the probe: no password, one device each, no page opens, nobody lists them.

Usage: watch-accounts. Standard input has a list of `{"uid", "password", "networks"}` in JSON; the answer is
`{"made": [uid …]}`.

A device's password is the inventory's (`malleposte secrets`), so that a deploy gives the same to the directory and to
the host: each vault, or without any one host (role prober). It opens mail and agendas from that host's addresses alone;
Postfix lets the accounts of a host write to each other alone (role postfix).
"""

from __future__ import annotations

import datetime
import ipaddress
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from malleposte.accounts import here
from malleposte.accounts.devices import follow
from malleposte.accounts.journal import Journal
from malleposte.accounts.settings import Settings
from malleposte.core.errors import ExitCode, InputError, MallepostError
from malleposte.directory.devices import COPIED, Device, device_attributes
from malleposte.directory.model import Agent, State, agent_attributes
from malleposte.directory.protocol import Directory
from malleposte.platform import profiles
from malleposte.platform.classes import Classes
from malleposte.policy import devices as form
from malleposte.policy import salted

SCOPES = ("imap", "smtp", "dav")
QUOTA_MB = 20
NAME = "Sonde de la surveillance"


@dataclass(frozen=True)
class Watcher:
    """An account of a host that probes: its uid, the password of its device, the addresses from which that opens."""

    uid: str
    password: str = field(repr=False)
    networks: Sequence[str]

    @classmethod
    def of(cls, account: Mapping[str, object]) -> Watcher:
        """The account of a JSON object. Raises InputError."""
        uid, password, networks = account.get("uid"), account.get("password"), account.get("networks")
        if not (isinstance(uid, str) and isinstance(password, str) and isinstance(networks, list) and networks):
            raise InputError("an account of the watch has uid, password and networks")
        if not form.is_device_password(password):
            raise InputError(f"{uid}: its password is not one of a device")
        return cls(uid, password, tuple(sorted(str(ipaddress.ip_network(str(one))) for one in networks)))


def ensure(
    directory: Directory, journal: Journal, watchers: Iterable[Watcher], domain: str, profile: str,
    now: datetime.datetime,
) -> list[str]:  # fmt: skip
    """Make the accounts and devices that are missing; return the uids that changed. Raises DirectoryError."""
    changed = []
    for one in watchers:
        agent = Agent(
            uid=one.uid, given_name="Sonde", surname=one.uid, mail=f"{one.uid}@{domain}", profile=profile,
            state=State.ACTIVE, hidden=True, quota_mb=QUOTA_MB,
        )  # fmt: skip
        existing = next(iter(directory.search("people", COPIED, {"uid": one.uid})), None)
        if existing is None:
            directory.add(agent.dn(directory.suffix), agent_attributes(agent))
        if _device(directory, journal, one, now) or existing is None:
            changed.append(one.uid)
    return changed


def _device(directory: Directory, journal: Journal, one: Watcher, now: datetime.datetime) -> bool:
    """Give the account this device, and no other; whether that changed anything."""
    ident = form.identifier(one.password)
    there = follow.of(directory, one.uid)
    if [(device.ident, tuple(sorted(device.networks))) for device in there] == [(ident, tuple(one.networks))]:
        return False
    for device in there:
        follow.remove(directory, journal, device, "replaced by a deploy")
    (owner,) = directory.search("people", COPIED, {"uid": one.uid})
    device = Device(ident, one.uid, NAME, SCOPES, now, state=State.ACTIVE, networks=tuple(one.networks))
    directory.add(device.dn(directory.suffix), device_attributes(device, owner.attributes, salted.make(one.password)))
    journal.write("device-add", one.uid, **follow.described(device))
    journal.sync()
    return True


def light(classes: Classes) -> str:
    """The class of these accounts: one whose agendas show no other agent, where there is one."""
    having = [name for name, one in classes.items() if one.agenda == "radicale"]
    return classes.default if classes.default in having or not having else min(having)


def main(words: Sequence[str]) -> int:
    """See the usage above; the exit code."""
    if words:
        print("usage: watch-accounts, with the accounts on standard input", file=sys.stderr)
        return ExitCode.BAD_INPUT
    try:
        watchers = [Watcher.of(account) for account in json.load(sys.stdin)]
        settings = Settings.read()
        with here.tools(settings) as tools:
            changed = ensure(
                tools.directory, tools.journal, watchers, settings.domain, light(profiles.read()),
                datetime.datetime.now(datetime.UTC),
            )  # fmt: skip
    except MallepostError as error:
        print(f"watch-accounts: {error}", file=sys.stderr)
        return error.exit_code
    except (ValueError, AttributeError, TypeError) as error:
        print(f"watch-accounts: not a list of accounts: {type(error).__name__}", file=sys.stderr)
        return ExitCode.BAD_INPUT
    print(json.dumps({"made": changed}))
    return ExitCode.DONE
