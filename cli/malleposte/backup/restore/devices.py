"""Devices in a restore of the directory: those of today, in step with their owners as they come back.

A device password that was revoked since the archive must not come back with it, and one that was made since still
opens what its owner's device needs. Only where today's directory cannot be read are the archive's taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from malleposte.backup.restore import ldif
from malleposte.directory.devices import COPIED, copies

_DEVICE, _BRANCH = "mpdeviceid=", "ou=devices,"


def is_one(dn: str) -> bool:
    """Whether a name is that of a device, or of their branch."""
    return dn.lower().startswith((_DEVICE, _BRANCH))


def of_today(live: Mapping[str, ldif.Entry], restored: Iterable[ldif.Entry]) -> list[ldif.Entry]:
    """The branch and the devices of today's directory whose owners are among the entries that are restored."""
    people = (entry for entry in restored if ",ou=people," in entry.dn.lower())
    owners = {uid.lower(): entry for entry in people for uid in entry.values("uid")}
    branch = [entry for dn, entry in live.items() if dn.startswith(_BRANCH)]
    devices = [entry for dn, entry in live.items() if dn.startswith(_DEVICE)]
    with_owners = ((entry, owners.get(_owner(entry))) for entry in devices)
    return [*branch, *(in_step(entry, owner) for entry, owner in with_owners if owner is not None)]


def in_step(device: ldif.Entry, owner: ldif.Entry) -> ldif.Entry:
    """A device with the copies of its owner."""
    attributes = copies({name: owner.values(name) for name in COPIED})
    copied = {name.lower() for name in attributes}
    own = {key: values for key, values in device.attributes.items() if key.lower() not in copied}
    return ldif.Entry(device.dn, own | {name: [one.encode() for one in values] for name, values in attributes.items()})


def changes(live: Mapping[str, ldif.Entry], owner: ldif.Entry) -> Sequence[str]:
    """LDIF changes that bring the devices of one owner, whose entry was restored, in step with it."""
    uids = {uid.lower() for uid in owner.values("uid")}
    devices = [entry for dn, entry in live.items() if dn.startswith(_DEVICE) and _owner(entry) in uids]
    modifications = (ldif.modification(entry.dn, in_step(entry, owner), entry) for entry in devices)
    return [one for one in modifications if one]


def _owner(device: ldif.Entry) -> str:
    return next(iter(device.values("mpDeviceOwner")), "").lower()
