"""The questions of the state's table as promtool(1) tests them: series, and the value that each question has then."""

from __future__ import annotations

from typing import Any

from malleposte.watch.state import table

AT = "1500m"
"""The time of the values: series have one value a minute."""
_DISK = '{instance="mail1",mountpoint="/srv",fstype="ext4"}'
SERIES = {
    'dovecot_mail_delivery_total{instance="mail1"}': "0+2x2000",
    'rspamd_actions_total{type="reject"}': "0+1x2000",
    'rspamd_actions_total{type="no action"}': "0+9x2000",
    'malleposte_log_ins_total{service="imap",outcome="accepted"}': "0+2x2000",
    'malleposte_log_ins_total{service="imap",outcome="refused"}': "0+1x2000",
    'malleposte_acts_total{act="change",instance="mail1"}': "0+1x2000",
    'malleposte_queue_oldest_seconds{queue="active",instance="mail1"}': "7x2000",
    'malleposte_queue_oldest_seconds{queue="hold",instance="mail1"}': "9000x2000",
    'malleposte_probe_ok{path="imap",instance="vault1"}': "1x2000",
    'malleposte_probe_ok{path="imap",instance="vault2"}': "0x2000",
    'malleposte_probe_last_run_seconds{instance="vault1"}': "60x2000",
    'malleposte_backup_last_success_seconds{instance="mail1",repository="vault1/mail"}': "70x2000",
    'malleposte_restore_last_proved_seconds{instance="mail1"}': "80x2000",
    f"node_filesystem_avail_bytes{_DISK}": "400000-100x2000",
    f"node_filesystem_size_bytes{_DISK}": "1000000x2000",
    'node_filesystem_avail_bytes{instance="mail1",mountpoint="/run",fstype="tmpfs"}': "1x2000",
    'node_filesystem_size_bytes{instance="mail1",mountpoint="/run",fstype="tmpfs"}': "1000x2000",
    'up{source="node",instance="mail1"}': "1x2000",
    'up{source="dovecot",instance="mail1"}': "0x2000",
}
NOW: dict[str, list[tuple[str, float]]] = {
    "hosts": [('{instance="mail1"}', 1)],
    "paths": [('{path="imap"}', 0)],
    "probe_last": [("", 60)],
    "queues": [('{instance="mail1",queue="active"}', 7), ('{instance="mail1",queue="hold"}', 9000)],
    "disks_free": [('{instance="mail1",mountpoint="/srv"}', 0.25)],
    "disks_days": [('{instance="mail1",mountpoint="/srv"}', 250_000 / (100 / 60) / 86_400)],
    "backups": [('{instance="mail1",repository="vault1/mail"}', 70)],
    "restores": [('{instance="mail1"}', 80)],
    "deliveries_today": [("", 2880)],
    "refusals_today": [("", 1440)],
    "log_ins_today": [("", 2880)],
    "failures_today": [("", 1440)],
    "acts_today": [('{act="change"}', 1440)],
}
HISTORY: dict[str, float] = {
    "deliveries": 120, "refusals": 60, "log_ins": 120, "failures": 60, "acts": 60, "queue": 7, "paths": 50, "room": 25,
}  # fmt: skip
"""In the units of the page: events in an hour, seconds, shares of a hundred."""


def documents() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the questions as a file of rules (`rules.yml`), and the file of their test."""
    spans = (table.DAY_STEP, table.MONTH_STEP)
    histories = {(name, step): table.over(query, step) for name, query in table.HISTORY.items() for step in spans}
    rules = [{"record": f"now:{name}", "expr": one.query} for name, one in table.NOW.items()]
    rules += [{"record": f"history:{name}_{step:.0f}", "expr": query} for (name, step), query in histories.items()]
    wanted = {f"now:{name}": rows for name, rows in NOW.items()}
    wanted |= {f"history:{name}_{step:.0f}": [("", HISTORY[name])] for name, step in histories}
    tests = [
        {
            "expr": name,
            "eval_time": AT,
            "exp_samples": [{"labels": f"{name}{labels}", "value": value} for labels, value in rows],
        }
        for name, rows in wanted.items()
    ]
    series = [{"series": name, "values": values} for name, values in SERIES.items()]
    return {"groups": [{"name": "state", "rules": rules}]}, {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": series, "promql_expr_test": tests}],
    }
