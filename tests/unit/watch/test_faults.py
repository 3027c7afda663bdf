"""Faults, and what is none: each rule with a measure on either side of its limit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from malleposte.core.paths import ROOT
from malleposte.watch import faults
from malleposte.watch.faults import DAY, HOUR
from malleposte.watch.registry import MEASURES
from malleposte.watch.settings import Settings, Unit
from malleposte.watch.textfile import LAST, Sample

NOW = 1_795_996_000.0


def of(metric: str, value: float, labels: dict[str, str]) -> dict[str, list[Sample]]:
    return {metric: [Sample(value, labels)]}


VAULT, HOST = {"repository": "vault1/ldap"}, {"name": "host"}
UNIT = {"name": "slapd.service", "service": "openldap", "rings": "page"}
CASES: list[tuple[str, dict[str, str], float, float, str, str]] = [
    ("unit_active", UNIT, 0, 1, "page", "slapd.service (openldap) is not active"),
    ("unit_active", UNIT | {"rings": "ticket"}, 0, 1, "ticket", "slapd.service (openldap) is not active"),
    ("queue_oldest_seconds", {"queue": "active"}, 301, 300, "ticket", "the queue active waits for 5 minutes"),
    ("queue_oldest_seconds", {"queue": "deferred"}, 5 * HOUR, 4 * HOUR, "ticket", "deferred waits for 5 hours"),
    ("held_oldest_seconds", {}, 3 * HOUR, 2 * HOUR, "ticket", "mail is held, the oldest message for 3 hours"),
    ("backup_last_success_seconds", VAULT, NOW - 27 * HOUR, NOW - 25 * HOUR, "ticket", "vault1/ldap for 27 hours"),
    ("backup_last_success_seconds", VAULT, 0, NOW, "ticket", "no archive of vault1/ldap so far"),
    ("restore_last_proved_seconds", {}, NOW - 10 * DAY, NOW - 8 * DAY, "ticket", "proved for 10 days"),
    ("restore_last_proved_seconds", {}, 0, NOW, "ticket", "no restore of a sample proved by the last check"),
    ("security_updates_oldest_seconds", {}, 4 * DAY, 3 * DAY, "ticket", "a security update waits for 4 days"),
    ("security_suite_read_seconds", {}, NOW - 3 * DAY, NOW - DAY, "ticket", "not read for 3 days"),
    ("certificate_end_seconds", HOST, NOW + 10 * DAY, NOW + 15 * DAY, "ticket", "certificate host ends in 10 days"),
    ("certificate_end_seconds", HOST, NOW - 1, NOW + 15 * DAY, "page", "the certificate host has ended"),
    ("slapd_map_used_ratio", {}, 0.81, 0.8, "ticket", "81% of the directory's database are used"),
    ("store_up", {"store": "valkey-sso"}, 0, 1, "page", "valkey-sso does not answer"),
    ("sso_store_used_ratio", {"store": "valkey-sso"}, 0.95, 0.9, "ticket", "memory of valkey-sso: 95% are used"),
    ("limit_used_ratio", {"limit": "memory of valkey"}, 0.95, 0.9, "ticket", "memory of valkey: 95% are used"),
    ("probe_ok", {"path": "smtp-in"}, 0, 1, "page", "the probe fails on smtp-in"),
    ("probe_last_run_seconds", {}, NOW - 2 * HOUR, NOW - 60, "page", "the probe has not run for 2 hours"),
]


@pytest.mark.parametrize(("name", "labels", "bad", "good", "rings", "text"), CASES)
def test_a_rule_rings_beyond_its_limit_and_not_before(
    name: str, labels: dict[str, str], bad: float, good: float, rings: str, text: str
) -> None:
    (fault,) = faults.judged(of(f"malleposte_{name}", bad, labels), NOW)
    assert text in fault.text
    assert fault.rings == rings
    assert faults.judged(of(f"malleposte_{name}", good, labels), NOW) == []


def test_a_measure_that_is_missing_or_old_is_a_fault() -> None:
    found = Settings(Path("/nowhere"), (), ("queue", "updates"))
    every = {name: one.every for name, one in MEASURES.items()}
    fresh = {LAST: [Sample(NOW - 30, {"program": "queue"}), Sample(NOW - 900, {"program": "updates"})]}
    assert list(faults.missing(found, every, fresh, NOW)) == []
    (old,) = faults.missing(found, every, fresh, NOW + 660)
    assert old.text == "the measure queue was not made for 12 minutes"
    (never,) = faults.missing(found, every, {LAST: fresh[LAST][:1]}, NOW)
    assert (never.text, never.rings) == ("the measure updates was never made", "ticket")


def test_a_probe_that_has_never_run_is_a_fault_where_it_is_walked() -> None:
    walks = Settings(Path("/nowhere"), (Unit("malleposte-probe.timer", "prober", "page"),), ())
    ran = {"malleposte_probe_last_run_seconds": [Sample(NOW - 60, {})]}
    (fault,) = faults.unwalked(walks, {})
    assert (fault.rings, fault.waits) == ("page", faults.PROBE_SILENT)
    assert list(faults.unwalked(walks, ran)) == []
    assert list(faults.unwalked(Settings(Path("/nowhere"), (), ()), {})) == []


def test_a_path_rings_when_it_failed_twice() -> None:
    (fault,) = faults.judged({"malleposte_probe_ok": [Sample(0, {"path": "imap"})]}, NOW)
    assert 600 < fault.waits < 1500


def room(free: int, inodes: int) -> Any:
    return os.statvfs_result((4096, 4096, 100, free, free, 1000, inodes, inodes, 0, 255))


@pytest.mark.parametrize(
    ("free", "inodes", "expected"),
    [
        (10, 100, []),
        (9, 100, [("ticket", "9% of the space on /srv are free")]),
        (2, 100, [("page", "2% of the space on /srv are free")]),
        (10, 99, [("ticket", "10% of the inodes on /srv are free")]),
    ],
)
def test_a_disk_with_little_room(
    free: int, inodes: int, expected: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _path: room(free, inodes))
    assert [(one.rings, one.text) for one in faults.disks(["/srv"], print)] == expected


def test_a_disk_that_cannot_be_looked_at_is_named_and_the_others_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def statvfs(path: str) -> Any:
        if path == "/gone":
            raise PermissionError(13, "Permission denied", path)
        return room(5, 100)

    monkeypatch.setattr(os, "statvfs", statvfs)
    blind: list[str] = []
    assert [one.name for one in faults.disks(["/gone", "/srv"], blind.append)] == ["space /srv"]
    assert blind == ["disk /gone: Permission denied: '/gone'"]


def test_file_systems_on_disks_are_looked_at_once() -> None:
    table = (
        "overlay / overlay rw 0 0\nproc /proc proc rw 0 0\n/dev/vda1 /boot ext4 rw 0 0\n"
        "/dev/vdb1 /srv/données\\040b ext4 rw 0 0\n/dev/vdb1 /var/lib/x ext4 ro 0 0\n"
        "/dev/sr0 /media/cdrom iso9660 ro 0 0\ntmpfs /run tmpfs rw 0 0\n"
    )
    assert faults.mounts(table) == ["/", "/boot", "/srv/données b"]


def test_each_line_of_the_runbook_is_there() -> None:
    page = (ROOT / "docs/watch.md").read_text("utf-8")
    measured = [of(f"malleposte_{name}", bad, labels) for name, labels, bad, *_rest in CASES]
    found = [fault for values in measured for fault in faults.judged(values, NOW)]
    anchors = {fault.runbook for fault in found} | {"a-measure-is-missing", "a-disk-is-nearly-full"}
    titles = {line.lstrip("# ").lower().replace(" ", "-") for line in page.splitlines() if line.startswith("#")}
    assert anchors - titles == set()
