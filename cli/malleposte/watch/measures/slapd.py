"""The directory's server by its own monitor (slapd-monitor(5)), which root alone reads."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping

from malleposte.adapters import ldif
from malleposte.core.errors import MallepostError
from malleposte.watch.settings import Settings
from malleposte.watch.textfile import Metric, metric

BASE = "cn=monitor"
ATTRIBUTES = ("monitorCounter", "monitorOpInitiated", "monitorOpCompleted", "olmMDBPagesMax", "olmMDBPagesUsed")
TIMEOUT = 20.0
_CONNECTIONS = "cn=current,cn=connections,cn=monitor"
_OPERATIONS = ",cn=operations,cn=monitor"


def counts(entries: Iterable[ldif.Entry]) -> list[Metric]:
    """The metrics of the monitor's entries. Raises MallepostError where the database's map is not among them."""
    attributes = {entry.dn.lower(): {name: values[0] for name, values in entry.attributes.items()} for entry in entries}
    maps = [one for one in attributes.values() if "olmMDBPagesMax" in one]
    if not maps:
        raise MallepostError("slapd does not say how full its database is", "deploy this host again")
    used = max(float(one["olmMDBPagesUsed"]) / float(one["olmMDBPagesMax"]) for one in maps)
    operations = {
        dn.removesuffix(_OPERATIONS).removeprefix("cn="): one
        for dn, one in attributes.items()
        if dn.endswith(_OPERATIONS)
    }
    rows = [(_number(one, "monitorOpCompleted"), {"operation": name}) for name, one in sorted(operations.items())]
    waiting = sum(
        _number(one, "monitorOpInitiated") - _number(one, "monitorOpCompleted") for one in operations.values()
    )
    return [
        metric("malleposte_slapd_map_used_ratio", "Used share of the directory's database, from 0 to 1", used),
        metric(
            "malleposte_slapd_connections", "Open connections to the directory",
            *([_number(attributes[_CONNECTIONS], "monitorCounter")] if _CONNECTIONS in attributes else []),
        ),
        metric("malleposte_slapd_operations_total", "Operations of the directory", *rows, kind="counter"),
        metric("malleposte_slapd_operations_open", "Operations that are under way", waiting),
    ]  # fmt: skip


def _number(entry: Mapping[str, bytes], name: str) -> float:
    return float(entry.get(name, b"0"))


def measure(_settings: Settings, _now: float) -> list[Metric]:
    """The directory on this host. Raises MallepostError."""
    argv = [*ldif.SEARCH, "-Y", "EXTERNAL", "-Q", "-H", "ldapi:///", "-b", BASE, "(objectClass=*)", *ATTRIBUTES]
    done = subprocess.run(argv, capture_output=True, check=False, timeout=TIMEOUT)
    if done.returncode:
        raise MallepostError(
            f"slapd: {done.stderr.decode('utf-8', 'replace').strip()[-300:]}", "systemctl status slapd"
        )
    return counts(ldif.parse(done.stdout))
