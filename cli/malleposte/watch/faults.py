"""Faults of this host by its measures, each with its alarm and its place in the run-book (docs/watch.md)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from malleposte.core.loops import named
from malleposte.watch.settings import Settings
from malleposte.watch.silence import ALL
from malleposte.watch.textfile import LAST, Sample

PAGE, TICKET = "page", "ticket"
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
QUEUES: Mapping[str, float] = {
    "active": 5 * MINUTE,
    "incoming": 5 * MINUTE,
    "deferred": 4 * HOUR,
    "maildrop": 5 * MINUTE,
}
"""Age of the oldest message of a queue, in seconds, from which it is a fault."""
HELD = 2 * HOUR
BACKUP = 26 * HOUR
PROVED = 9 * DAY
"""A vault is checked once a week."""
UPDATE_WAITS, UPDATE_READ = 3 * DAY, 2 * DAY
CERTIFICATE, CERTIFICATE_PAGE = 14 * DAY, 3 * DAY
FREE, FREE_PAGE = 0.10, 0.03
"""Share of a file system, or of its inodes, that must be free."""
FULL_BY_NATURE = ("iso9660", "squashfs")
"""Images that nobody writes to, as the exporter leaves them out."""
MAP = 0.8
LIMIT = 0.9
PROBE_SILENT = 30 * MINUTE
PROBE_TIMER = "malleposte-probe.timer"
PROBE_TWICE = 12 * MINUTE
"""It walks every ten minutes: a path that failed twice."""
MISSING = 10 * MINUTE
"""Seconds without a measure beyond the time between two."""

Values = Mapping[str, Sequence[Sample]]


@dataclass(frozen=True)
class Fault:
    """A fault: its name for as long as it lasts, its alarm, a sentence, and its anchor in docs/watch.md.

    `waits` is for how many seconds it must last before it rings. `unit` is that of a note of silence.
    """

    name: str
    rings: str
    text: str
    runbook: str
    waits: float = 0
    unit: str = ALL


def units(values: Values, _now: float) -> Iterator[Fault]:
    """Units of the manifest that are not active."""
    for one in values.get("malleposte_unit_active", ()):
        name = one.labels["name"]
        if not one.value:
            text = f"{name} ({one.labels['service']}) is not active"
            yield Fault(f"unit {name}", one.labels["rings"], text, "a-unit-is-not-active", 2 * MINUTE, name)


def queues(values: Values, _now: float) -> Iterator[Fault]:
    """Messages that wait for too long, and held ones that nobody has looked at."""
    for one in values.get("malleposte_queue_oldest_seconds", ()):
        name = one.labels["queue"]
        if one.value > QUEUES.get(name, one.value):
            text = f"the oldest message of the queue {name} waits for {duration(one.value)}"
            yield Fault(f"queue {name}", TICKET, text, "a-queue-is-old", 5 * MINUTE)
    for one in values.get("malleposte_held_oldest_seconds", ()):
        if one.value > HELD:
            text = f"mail is held, the oldest message for {duration(one.value)}"
            yield Fault("held mail", TICKET, text, "mail-is-held", 5 * MINUTE)


def backups(values: Values, now: float) -> Iterator[Fault]:
    """Sources without a fresh archive, and vaults without a proved restore."""
    for one in values.get("malleposte_backup_last_success_seconds", ()):
        if now - one.value > BACKUP:
            age = f"for {duration(now - one.value)}" if one.value else "so far"
            text = f"no archive of {one.labels['repository']} {age}"
            yield Fault(f"backup {one.labels['repository']}", TICKET, text, "a-backup-is-missing")
    for one in values.get("malleposte_restore_last_proved_seconds", ()):
        if now - one.value > PROVED:
            age = f"for {duration(now - one.value)}" if one.value else "by the last check"
            yield Fault("restore", TICKET, f"no restore of a sample proved {age}", "a-restore-is-not-proved")


def updates(values: Values, now: float) -> Iterator[Fault]:
    """Security updates that wait, and lists of packages that are not read."""
    for one in values.get("malleposte_security_updates_oldest_seconds", ()):
        if one.value > UPDATE_WAITS:
            text = f"a security update waits for {duration(one.value)}"
            yield Fault("security update", TICKET, text, "a-security-update-waits")
    for one in values.get("malleposte_security_suite_read_seconds", ()):
        if now - one.value > UPDATE_READ:
            text = f"the lists of packages were not read for {duration(now - one.value)}"
            yield Fault("lists of packages", TICKET, text, "a-security-update-waits")


def certificates(values: Values, now: float) -> Iterator[Fault]:
    """Certificates that end soon."""
    for one in values.get("malleposte_certificate_end_seconds", ()):
        left = one.value - now
        if left < CERTIFICATE:
            rings = PAGE if left < CERTIFICATE_PAGE else TICKET
            text = f"the certificate {one.labels['name']} {f'ends in {duration(left)}' if left > 0 else 'has ended'}"
            yield Fault(f"certificate {one.labels['name']}", rings, text, "a-certificate-ends")


def directory(values: Values, _now: float) -> Iterator[Fault]:
    """The directory's database, where little is left of its map."""
    for one in values.get("malleposte_slapd_map_used_ratio", ()):
        if one.value > MAP:
            text = f"{one.value:.0%} of the directory's database are used"
            yield Fault("directory", TICKET, text, "the-directory-is-nearly-full")


def stores(values: Values, _now: float) -> Iterator[Fault]:
    """Servers of Valkey that do not answer, and limits that are near."""
    for one in values.get("malleposte_store_up", ()):
        if not one.value:
            name = one.labels["store"]
            yield Fault(f"store {name}", PAGE, f"{name} does not answer", "a-store-is-full-or-silent", 5 * MINUTE)
    shares = {
        f"memory of {one.labels['store']}": one.value for one in values.get("malleposte_sso_store_used_ratio", ())
    }
    shares |= {one.labels["limit"]: one.value for one in values.get("malleposte_limit_used_ratio", ())}
    for name, share in shares.items():
        if share > LIMIT:
            yield Fault(
                f"limit {name}", TICKET, f"{name}: {share:.0%} are used", "a-store-is-full-or-silent", 5 * MINUTE
            )


def probe(values: Values, now: float) -> Iterator[Fault]:
    """Paths of the probe that fail, and a probe that is silent, where it runs."""
    for one in values.get("malleposte_probe_ok", ()):
        if not one.value:
            yield Fault(
                f"probe {one.labels['path']}", PAGE, f"the probe fails on {one.labels['path']}", "the-probe-fails",
                PROBE_TWICE,
            )  # fmt: skip
    for one in values.get("malleposte_probe_last_run_seconds", ()):
        if now - one.value > PROBE_SILENT:
            text = f"the probe has not run for {duration(now - one.value)}"
            yield Fault("probe", PAGE, text, "the-probe-is-silent")


RULES: Sequence[Callable[[Values, float], Iterator[Fault]]] = (
    units, queues, backups, updates, certificates, directory, stores, probe,
)  # fmt: skip


def missing(settings: Settings, every: Mapping[str, float], values: Values, now: float) -> Iterator[Fault]:
    """Measures of this host that were not made in their time; `every` has the seconds between two, by name."""
    last = {one.labels["program"]: one.value for one in values.get(LAST, ())}
    for name in settings.measures:
        age = now - last[name] if name in last else None
        if age is None or age > every[name] + MISSING:
            text = f"the measure {name} was {f'not made for {duration(age)}' if age is not None else 'never made'}"
            yield Fault(f"measure {name}", TICKET, text, "a-measure-is-missing")


def unwalked(settings: Settings, values: Values) -> Iterator[Fault]:
    """A probe that this host walks, and that has never ended."""
    walks = any(unit.name == PROBE_TIMER for unit in settings.units)
    if walks and not values.get("malleposte_probe_last_run_seconds"):
        yield Fault("probe", PAGE, "the probe has never run", "the-probe-is-silent", PROBE_SILENT)


def disks(mounts: Iterable[str], blind: Callable[[str], object]) -> Iterator[Fault]:
    """File systems with little room, in bytes or inodes (statvfs(3)); what cannot be looked at is told to `blind`."""
    for mount in mounts:
        shares: Mapping[str, tuple[int, int]] = {}
        with named(blind, f"disk {mount}"):
            room = os.statvfs(mount)
            shares = {"space": (room.f_bavail, room.f_blocks), "inodes": (room.f_favail, room.f_files)}
        for what, (free, whole) in shares.items():
            if whole and free / whole < FREE:
                rings = PAGE if free / whole < FREE_PAGE else TICKET
                text = f"{free / whole:.0%} of the {what} on {mount} are free"
                yield Fault(f"{what} {mount}", rings, text, "a-disk-is-nearly-full", 5 * MINUTE)


def mounts(table: str) -> list[str]:
    """The file systems on disks among the lines of a table of mounts (proc_mounts(5)), each device once."""
    seen: dict[str, str] = {}
    for line in table.splitlines():
        device, place, kind, *_rest = line.split()
        if (device.startswith("/dev/") and kind not in FULL_BY_NATURE) or place == "/":
            # Signs other than ASCII stand there as they are.
            octets = place.encode().decode("unicode_escape").encode("latin-1")
            seen.setdefault(device, os.fsdecode(octets))
    return sorted(seen.values())


def judged(values: Values, now: float) -> list[Fault]:
    """The faults that some measures show, by RULES."""
    return [fault for rule in RULES for fault in rule(values, now)]


def duration(seconds: float) -> str:
    """A length of time in the largest unit of which there are two."""
    for unit, length in (("days", DAY), ("hours", HOUR), ("minutes", MINUTE)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} seconds"
