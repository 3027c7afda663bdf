"""The questions that a vault asks its Prometheus for the page of the state: these, and no others (PromQL).

The portal has words for each name (`malleposte_portal.state`); a test ties the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DAY, MONTH = 86_400.0, 30 * 86_400.0
DAY_STEP, MONTH_STEP = 900.0, 21_600.0
"""Seconds between two points of a day, and of thirty: about a hundred each."""
RANGE = "$range"
"""In a question of a history: the time between two points."""


@dataclass(frozen=True)
class Now:
    """A table of now: `query`, and the labels that name the host and the thing; an empty one where there is none."""

    query: str
    host: str = "instance"
    what: str = ""


_DISKS = '{fstype!~"tmpfs|efivarfs"}'
_FREE = f"node_filesystem_avail_bytes{_DISKS} / node_filesystem_size_bytes{_DISKS}"
_SHRINKS = f"(- deriv(node_filesystem_avail_bytes{_DISKS}[3d]) > 0)"

NOW: Mapping[str, Now] = {
    "hosts": Now('min by (instance) (up{source="node"})'),
    "paths": Now("min by (path) (malleposte_probe_ok)", host="", what="path"),
    "probe_last": Now("max(malleposte_probe_last_run_seconds)", host=""),
    "queues": Now("max by (instance, queue) (malleposte_queue_oldest_seconds)", what="queue"),
    "disks_free": Now(f"min by (instance, mountpoint) ({_FREE})", what="mountpoint"),
    "disks_days": Now(
        f"min by (instance, mountpoint) (node_filesystem_avail_bytes{_DISKS} / {_SHRINKS} / 86400) < 365",
        what="mountpoint",
    ),
    "backups": Now("max by (instance, repository) (malleposte_backup_last_success_seconds)", what="repository"),
    "restores": Now("max by (instance) (malleposte_restore_last_proved_seconds)"),
    "deliveries_today": Now("sum(increase(dovecot_mail_delivery_total[24h]))", host=""),
    "refusals_today": Now('sum(increase(rspamd_actions_total{type=~"reject|soft reject"}[24h]))', host=""),
    "log_ins_today": Now('sum(increase(malleposte_log_ins_total{outcome="accepted"}[24h]))', host=""),
    "failures_today": Now('sum(increase(malleposte_log_ins_total{outcome="refused"}[24h]))', host=""),
    "acts_today": Now("sum by (act) (increase(malleposte_acts_total[24h]))", host="", what="act"),
}

HISTORY: Mapping[str, str] = {
    "deliveries": f"3600 * sum(rate(dovecot_mail_delivery_total[{RANGE}]))",
    "refusals": f'3600 * sum(rate(rspamd_actions_total{{type=~"reject|soft reject"}}[{RANGE}]))',
    "log_ins": f'3600 * sum(rate(malleposte_log_ins_total{{outcome="accepted"}}[{RANGE}]))',
    "failures": f'3600 * sum(rate(malleposte_log_ins_total{{outcome="refused"}}[{RANGE}]))',
    "acts": f"3600 * sum(rate(malleposte_acts_total[{RANGE}]))",
    "queue": f'max(max_over_time(malleposte_queue_oldest_seconds{{queue!="hold"}}[{RANGE}]))',
    "paths": f"100 * avg(avg_over_time(malleposte_probe_ok[{RANGE}]))",
    "room": f"100 * min({_FREE})",
}


def over(query: str, step: float) -> str:
    """Return the question of a history with so many seconds between two points."""
    return query.replace(RANGE, f"{step:.0f}s")
