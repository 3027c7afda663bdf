"""Entries of devices (`ou=devices`): a device of an agent, with a password of its own. To and from their attributes.

An entry bears copies of what the directory says of its owner (state, class, names), since whoever proves a password
looks at one entry alone. `copies` says what they are; `accounts.devices.follow` keeps them.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from malleposte.directory.model import Attributes, escape, first
from malleposte.platform.times import stamp, when

COPIED = ("mpState", "mpProfile", "uid", "mpLoginAlias", "mail", "mailLocalAddress")
"""The attributes of the owner's entry that are copied."""
READ = (
    *("mpDeviceId", "mpDeviceOwner", "mpDeviceName", "mpDeviceScope", "mpDeviceMade", "mpDeviceExpires"),
    *("mpDeviceNetwork", "mpDeviceUsed", "mpDevicePlace", "mpDeviceLogin", "mpState", "mpProfile"),
)
"""The attributes to read of a device: all but the digest."""


@dataclass(frozen=True)
class Device:
    """A device. `place` is the address of the last use of its password; without `networks` it opens from anywhere."""

    ident: str
    owner: str
    name: str
    scopes: tuple[str, ...]
    made: datetime.datetime | None = None
    expires: datetime.datetime | None = None
    used: datetime.datetime | None = None
    place: str = ""
    state: str = ""
    networks: tuple[str, ...] = ()
    attributes: Attributes = field(default_factory=dict, repr=False, compare=False)

    def dn(self, suffix: str) -> str:
        """The entry's distinguished name."""
        return f"mpDeviceId={escape(self.ident)},ou=devices,{suffix}"

    def over(self, now: datetime.datetime) -> bool:
        """Whether its time has come."""
        return self.expires is not None and self.expires <= now


def copies(owner: Mapping[str, Sequence[str]]) -> Attributes:
    """The copies that a device has of its owner's entry: state, class, and every name that may be typed."""
    typed = ("uid", "mpLoginAlias", "mail", "mailLocalAddress")
    names = [value.lower() for name in typed for value in owner.get(name, ())]
    return {
        "mpState": list(owner.get("mpState", ())),
        "mpProfile": list(owner.get("mpProfile", ())),
        "mpDeviceLogin": sorted(set(names)),
    }


def device_attributes(device: Device, owner: Mapping[str, Sequence[str]], digest: str) -> Attributes:
    """Attributes of a new device's entry."""
    attributes: Attributes = {
        "objectClass": ["mpDevice"],
        "mpDeviceId": [device.ident],
        "mpDeviceOwner": [device.owner],
        "mpDeviceName": [device.name],
        "mpDeviceScope": list(device.scopes),
        "mpDeviceNetwork": list(device.networks),
        "mpDeviceMade": [stamp(device.made)] if device.made else [],
        "mpDeviceExpires": [stamp(device.expires)] if device.expires else [],
        "mpDeviceDigest": [digest],
        **copies(owner),
    }
    return {name: values for name, values in attributes.items() if values}


def to_device(attributes: Attributes) -> Device:
    """The device of an entry."""
    return Device(
        ident=first(attributes, "mpDeviceId"),
        owner=first(attributes, "mpDeviceOwner"),
        name=first(attributes, "mpDeviceName"),
        scopes=tuple(sorted(attributes.get("mpDeviceScope", ()))),
        made=when(first(attributes, "mpDeviceMade")),
        expires=when(first(attributes, "mpDeviceExpires")),
        used=when(first(attributes, "mpDeviceUsed")),
        place=first(attributes, "mpDevicePlace"),
        state=first(attributes, "mpState"),
        networks=tuple(sorted(attributes.get("mpDeviceNetwork", ()))),
        attributes=attributes,
    )
