"""Devices follow their owner: state, class and names are copied, a blocked or removed account keeps none.

Called wherever an account's entry changes (`accounts.apply`, `accounts.passwords`, `accounts.removal`). It can be run
again, and the nights run it for all, so that a command that was killed leaves nothing out of step for long.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from malleposte.accounts.journal import Journal
from malleposte.directory.devices import COPIED, READ, Device, copies, to_device
from malleposte.directory.errors import NotThere
from malleposte.directory.model import State, first
from malleposte.directory.protocol import Directory
from malleposte.platform.times import stamp


def concerns(names: Iterable[str]) -> bool:
    """Whether a change of these attributes of an agent is one that devices follow."""
    return bool(set(names) & set(COPIED))


def of(directory: Directory, uid: str) -> list[Device]:
    """An agent's devices, the oldest first."""
    devices = [to_device(entry.attributes) for entry in directory.search("devices", READ, {"mpDeviceOwner": uid})]
    return sorted(devices, key=lambda one: (stamp(one.made) if one.made else "", one.name, one.ident))


def follow(directory: Directory, journal: Journal, uid: str) -> int:
    """Bring an account's devices in step with its entry as it is now, and return the number that changed.

    A blocked account's are removed, as its password is voided: whoever had the one may have made the other.
    """
    devices = of(directory, uid)
    if not devices:
        return 0
    owner = next(iter(directory.search("people", COPIED, {"uid": uid})), None)
    return step(directory, journal, devices, owner.attributes if owner else None)


def step(
    directory: Directory, journal: Journal, devices: Sequence[Device], owner: Mapping[str, Sequence[str]] | None
) -> int:
    """The same for devices of one owner that were read already; None is an owner who is gone."""
    if owner is None or first(owner, "mpState") == State.BLOCKED:
        note = "the account is blocked" if owner else "the account is gone"
        for device in devices:
            remove(directory, journal, device, note)
        return len(devices)
    changed = 0
    for device in devices:
        after = {
            name: values
            for name, values in copies(owner).items()
            if sorted(values) != sorted(device.attributes.get(name, []))
        }
        if after:
            with contextlib.suppress(NotThere):  # revoked at this moment
                directory.modify(device.dn(directory.suffix), after)
                changed += 1
    if changed:
        journal.write("devices-follow", first(owner, "uid"), devices=changed, state=first(owner, "mpState"))
    return changed


def remove(directory: Directory, journal: Journal, device: Device, note: str = "") -> None:
    """Remove a device for good; the journal says what it was."""
    with contextlib.suppress(NotThere):
        directory.delete(device.dn(directory.suffix))
        journal.write("device-revoke", device.owner, **described(device), **({"note": note} if note else {}))


def remove_all(directory: Directory, journal: Journal, uid: str, note: str) -> int:
    """Remove every device of an account, and return their number."""
    devices = of(directory, uid)
    for device in devices:
        remove(directory, journal, device, note)
    return len(devices)


def by_owner(directory: Directory) -> Iterator[tuple[str, list[Device]]]:
    """Every owner with his or her devices."""
    devices: dict[str, list[Device]] = {}
    for entry in directory.search("devices", READ):
        device = to_device(entry.attributes)
        devices.setdefault(device.owner, []).append(device)
    yield from devices.items()


def described(device: Device) -> dict[str, object]:
    """A device as journals and programs are told of it: no secret."""
    times = {"made": device.made, "expires": device.expires, "used": device.used}
    facts: dict[str, object] = {"device": device.ident, "name": device.name, "scopes": list(device.scopes)}
    facts |= {"networks": list(device.networks)} if device.networks else {}
    facts |= {name: stamp(moment) for name, moment in times.items() if moment is not None}
    return facts | ({"place": device.place} if device.place else {})
