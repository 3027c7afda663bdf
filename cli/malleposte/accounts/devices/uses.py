"""The last use of each device, with its address, in Valkey: told by the daemon that Dovecot reports log-ins to.

Lists read it there; the nights copy it into the directory, where a log-in would be a write each. Nothing here raises:
what cannot be known is not.
"""

from __future__ import annotations

import datetime
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from malleposte.adapters.valkey import Unavailable, Valkey
from malleposte.directory.devices import Device
from malleposte.directory.model import Attributes
from malleposte.platform.times import stamp
from malleposte.policy.devices import is_identifier
from malleposte.throttle import PREFIX, Settings

LOG = logging.getLogger("devices")
SETTINGS = Path("/etc/malleposte/keys/accountd-throttle.json")
"""The way of the directory's host to that Valkey (role accountd)."""
KEPT = 400 * 86_400  # seconds
ONCE = 60.0  # seconds within which the same use is written once
REMEMBERED = 20_000
_PLACE = 64  # characters
# KEYS: the device. ARGV: address, seconds to keep it.
NOTE = """
redis.call('HSET', KEYS[1], 'at', redis.call('TIME')[1], 'place', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""
# KEYS: devices. Returns time and address of each, empty where nothing is known.
LOOK = """
local found = {}
for _, key in ipairs(KEYS) do
  found[#found + 1] = redis.call('HGET', key, 'at') or ''
  found[#found + 1] = redis.call('HGET', key, 'place') or ''
end
return found
"""
_AT_ONCE = 500  # devices of one question


@dataclass(frozen=True)
class Use:
    """The last use of a device password."""

    at: datetime.datetime
    place: str


class Uses:
    """Last uses by identifier. Thread-safe but for `note`, which one daemon calls from one thread."""

    def __init__(self, store: Valkey, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` in seconds."""
        self._store, self._clock = store, clock
        self._noted: dict[tuple[str, str], float] = {}

    def note(self, device: str, address: str) -> None:
        """A device password was right. A mail program that asks every minute is written once in that time."""
        if not is_identifier(device):
            return
        now, what = self._clock(), (device, address)
        if self._noted.get(what, -ONCE) + ONCE > now:
            return
        if len(self._noted) >= REMEMBERED:
            self._noted.clear()
        self._noted[what] = now
        try:
            self._store.run(NOTE, (_key(device),), address[:_PLACE], KEPT)
        except Unavailable as error:
            LOG.warning("the last use of a device is not kept: %s", error)

    def of(self, devices: Iterable[str]) -> Mapping[str, Use]:
        """The last uses that are known of these devices."""
        uses: dict[str, Use] = {}
        names = list(devices)
        for start in range(0, len(names), _AT_ONCE):
            part = names[start : start + _AT_ONCE]
            try:
                texts = self._store.texts(LOOK, [_key(name) for name in part])
            except Unavailable as error:
                LOG.warning("the last uses of devices are not known: %s", error)
                return uses
            for name, at, place in zip(part, texts[::2], texts[1::2], strict=False):
                if at.isdecimal():
                    uses[name] = Use(datetime.datetime.fromtimestamp(int(at), datetime.UTC), place)
        return uses


def used(device: Device, use: Use | None) -> Attributes:
    """The attributes to write for a use that the directory does not know yet; none when it knows."""
    if use is None or (device.used is not None and device.used >= use.at):
        return {}
    return {"mpDeviceUsed": [stamp(use.at)], "mpDevicePlace": [use.place] if use.place else []}


def latest(device: Device, use: Use | None) -> Device:
    """A device with its last use, if that is later than what the directory knows."""
    return replace(device, used=use.at, place=use.place) if use is not None and used(device, use) else device


def _key(device: str) -> str:
    return f"{PREFIX}:device:{device}"


def here(path: Path = SETTINGS) -> Uses | None:
    """The last uses as the directory's host knows them; None where the platform keeps none."""
    try:
        settings = Settings.read(path)
    except (OSError, ValueError):
        return None
    return Uses(Valkey(settings.server, settings.username, settings.password))
