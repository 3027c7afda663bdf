"""Each measure, by a sample of its source as a host gives it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.academie.malleposte.plugins.module_utils import tls_authority
from cryptography.hazmat.primitives.asymmetric import ec
from malleposte.accounts.mailbox import queue as postfix
from malleposte.adapters import ldif
from malleposte.adapters.valkey import Unavailable
from malleposte.core.errors import MallepostError
from malleposte.fleet import updates as apt
from malleposte.reports.summary import Figures
from malleposte.runtime import systemd
from malleposte.throttle.record import ask
from malleposte.watch.measures import (
    backups,
    certificates,
    log_ins,
    nginx,
    queue,
    reports,
    slapd,
    stores,
    units,
    updates,
)
from malleposte.watch.settings import Settings, Stores, Unit
from malleposte.watch.textfile import Metric

from tests.support.certificates import private_pem

NOW = 1_795_996_000.0
SETTINGS = Settings(
    Path("/nowhere"),
    (
        Unit("slapd.service", "openldap", "page"),
        Unit("malleposte-hostd.service", "hostd", "ticket"),
        Unit("malleposte-hostd.socket", "hostd", "ticket"),
        Unit("stopped.service", "x", "page"),
        Unit("nosuch.service", "x", "page"),
        Unit("malleposte-sogo-sync.timer", "sogo", "page"),
    ),
    (),
)


def values(metrics: Iterable[Metric]) -> dict[str, Any]:
    """The values by name, or by name and the labels' values."""
    return {
        f"{one.name}{{{','.join(sample.labels.values())}}}" if sample.labels else one.name: sample.value
        for one in metrics
        for sample in one.samples
    }


def test_a_unit_that_was_stopped_counts_and_one_behind_its_socket_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    states = {
        "slapd.service": ("loaded", "deactivating"),
        "malleposte-hostd.service": ("loaded", "inactive"),
        "malleposte-hostd.socket": ("loaded", "active"),
        "stopped.service": ("loaded", "inactive"),
        "nosuch.service": ("not-found", "inactive"),
        "malleposte-sogo-sync.timer": ("loaded", "active"),
    }

    def told(*argv: str) -> str:
        names = argv[argv.index("--") + 1 :]
        return "\n\n".join(f"LoadState={states[name][0]}\nActiveState={states[name][1]}" for name in names) + "\n"

    monkeypatch.setattr(systemd, "told", told)
    # A unit that is being restarted is down at the first look alone.
    monkeypatch.setattr(units.time, "sleep", lambda _seconds: states.update({"slapd.service": ("loaded", "active")}))
    assert values(units.active(SETTINGS)) == {
        "malleposte_unit_active{slapd.service,openldap,page}": 1,
        "malleposte_unit_active{malleposte-hostd.service,hostd,ticket}": 1,
        "malleposte_unit_active{malleposte-hostd.socket,hostd,ticket}": 1,
        "malleposte_unit_active{stopped.service,x,page}": 0,
        "malleposte_unit_active{nosuch.service,x,page}": 0,
        "malleposte_unit_active{malleposte-sogo-sync.timer,sogo,page}": 1,
    }


def test_a_timer_says_when_it_last_began(monkeypatch: pytest.MonkeyPatch) -> None:
    def row(unit: str, last: int) -> Mapping[str, Any]:
        return {"next": 1795995916365764, "left": 1, "last": last, "passed": 2, "unit": unit, "activates": "x.service"}

    listed = [row("malleposte-sogo-sync.timer", 1795995777174994), row("fstrim.timer", 1795995777174994)]
    monkeypatch.setattr(systemd, "told", lambda *_argv: json.dumps(listed))
    assert values(units.timers(SETTINGS)) == {
        "malleposte_timer_last_seconds{malleposte-sogo-sync.timer}": 1795995777.174994
    }
    monkeypatch.setattr(systemd, "told", lambda *_argv: json.dumps([row("malleposte-sogo-sync.timer", 0)]))
    assert values(units.timers(SETTINGS)) == {}


HELD = (
    '{"queue_name": "hold", "queue_id": "8DB7AD84A1", "arrival_time": 1795995890, "message_size": 305, '
    '"forced_expire": false, "sender": "root@mail.ac-exemple.test", '
    '"recipients": [{"address": "nobody@elsewhere.test"}]}\n'
)


def test_the_oldest_of_each_queue_has_an_age_and_an_empty_one_none() -> None:
    later = HELD.replace("1795995890", "1795995990").replace('"hold"', '"deferred"')
    found = values(queue.ages(postfix.read(HELD + later + later.replace("1795995990", "1795995900")), NOW))
    assert found["malleposte_queue_messages{hold}"] == 1
    assert found["malleposte_queue_oldest_seconds{hold}"] == 110
    assert found["malleposte_queue_messages{deferred}"] == 2
    assert found["malleposte_queue_oldest_seconds{deferred}"] == 100
    assert found["malleposte_queue_messages{active}"] == found["malleposte_queue_oldest_seconds{active}"] == 0
    assert (found["malleposte_held_messages"], found["malleposte_held_oldest_seconds"]) == (1, 110)
    assert values(queue.ages([], NOW))["malleposte_held_messages"] == 0


def test_updates_that_were_installed_since_the_lists_were_read_do_not_wait() -> None:
    note = apt.Note(NOW - 600, (apt.Waiting("libssl3t64:amd64", "3.5.1-1", "3.5.4-1", NOW - 9_000),
                                apt.Waiting("bash", "5.2.37-1", "5.2.37-2", NOW - 90_000)))  # fmt: skip
    found = values(updates.ages(note, "bash 5.2.37-2\nlibssl3t64 3.5.1-1\n", NOW))
    assert found["malleposte_security_updates_waiting"] == 1
    assert found["malleposte_security_updates_oldest_seconds"] == 9_000
    assert found["malleposte_security_suite_read_seconds"] == NOW - 600
    assert values(updates.ages(note, "bash 5.2.37-1\nlibssl3t64 3.5.4-1\n", NOW))[
        "malleposte_security_updates_oldest_seconds"
    ] == 90_000  # fmt: skip


def test_apt_has_some_days_to_note_something(tmp_path: Path) -> None:
    hook = tmp_path / "hook"
    hook.write_text("")
    os.utime(hook, (NOW - 60, NOW - 60))
    found = values(updates.measure(SETTINGS, NOW, tmp_path / "none.json", hook))
    assert found["malleposte_security_suite_read_seconds"] == NOW - 60
    assert found["malleposte_security_updates_waiting"] == 0
    with pytest.raises(FileNotFoundError):
        updates.measure(SETTINGS, NOW, tmp_path / "none.json", tmp_path / "nothing")


def test_the_end_of_a_certificate(tmp_path: Path) -> None:
    path = tmp_path / "chain.pem"
    path.write_text(tls_authority.ca_certificate(private_pem(ec.generate_private_key(ec.SECP256R1())), "Essai"))
    assert certificates.end(path) == tls_authority.CA_UNTIL.timestamp()
    path.write_text("nothing\n")
    with pytest.raises(MallepostError, match=r"chain\.pem: .*malleposte check"):
        certificates.end(path)


ATTEMPT = {"start": "2026-11-29T23:17:00+00:00", "end": "2026-11-29T23:17:02+00:00", "state": "ok", "error": ""}
SUCCESS = {
    "archive": "ldap@20261129T231707Z",
    "id": "b0",
    "repository": "system",
    "start": "2026-11-29T23:17:08.000000Z",
}


def test_each_source_has_the_time_of_its_last_archive_on_each_vault() -> None:
    sources = {
        "ldap": {"attempt": ATTEMPT, "success": SUCCESS},
        "system": {"attempt": ATTEMPT | {"state": "error", "error": "no"}},
        "mail-00-0f": {"attempt": ATTEMPT | {"state": "empty"}},
    }
    vaults: dict[str, dict[str, Any]] = {
        "vault1": {"sources": sources, "since": "2026-11-29T23:16:59+00:00",
                   "checked": {"start": "2026-11-30T11:00:00+00:00", "end": "2026-11-30T12:00:00+00:00", "ok": True}},
        "vault2": {"sources": {}, "since": "2026-11-29T23:16:59+00:00"},
    }  # fmt: skip
    assert values(backups.ages(vaults)) == {
        "malleposte_backup_last_success_seconds{vault1/ldap}": 1795994228,
        "malleposte_backup_last_success_seconds{vault1/system}": 0,
        "malleposte_restore_last_proved_seconds": 1795994219,
    }
    vaults["vault2"]["checked"] = vaults["vault1"]["checked"] | {"ok": False}
    assert values(backups.ages(vaults))["malleposte_restore_last_proved_seconds"] == 0
    assert values(backups.ages({})) == {}


PAGE = "Active connections: 3 \nserver accepts handled requests\n 68 66 120 \nReading: 1 Writing: 1 Waiting: 1 \n"


def test_the_connections_of_nginx() -> None:
    assert values(nginx.counts(PAGE)) == {
        "malleposte_nginx_connections{active}": 3,
        "malleposte_nginx_connections{reading}": 1,
        "malleposte_nginx_connections{writing}": 1,
        "malleposte_nginx_connections{waiting}": 1,
        "malleposte_nginx_dropped_total": 2,
        "malleposte_nginx_requests_total": 120,
    }
    with pytest.raises(MallepostError, match="nginx does not count"):
        nginx.counts("<html>404</html>")


MONITOR = b"""dn: cn=Monitor

dn: cn=Current,cn=Connections,cn=Monitor
monitorCounter: 7

dn: cn=Operations,cn=Monitor
monitorOpInitiated: 900
monitorOpCompleted: 899

dn: cn=Bind,cn=Operations,cn=Monitor
monitorOpInitiated: 300
monitorOpCompleted: 300

dn: cn=Search,cn=Operations,cn=Monitor
monitorOpInitiated: 600
monitorOpCompleted: 599

dn: cn=Database 1,cn=Databases,cn=Monitor
olmMDBPagesMax: 262144
olmMDBPagesUsed: 26214
"""


def test_the_directory_by_its_monitor() -> None:
    found = values(slapd.counts(ldif.parse(MONITOR)))
    assert found["malleposte_slapd_map_used_ratio"] == pytest.approx(0.1, abs=0.001)
    assert found["malleposte_slapd_connections"] == 7
    assert found["malleposte_slapd_operations_total{search}"] == 599
    assert found["malleposte_slapd_operations_open"] == 1
    with pytest.raises(MallepostError, match="how full its database is"):
        slapd.counts(ldif.parse(MONITOR[: MONITOR.index(b"dn: cn=Database")]))


def test_a_directory_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.CompletedProcess([], 255, b"", b"ldap_sasl_interactive_bind: Can't contact LDAP server (-1)\n")
    monkeypatch.setattr(subprocess, "run", lambda *_words, **_more: done)
    with pytest.raises(MallepostError, match=r"slapd: .*contact LDAP server"):
        slapd.measure(SETTINGS, NOW)


def test_log_ins_are_counted_by_service_and_outcome_and_acts_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask, "counts", lambda: ask.Counts({("imap", True): 12, ("imap", False): 2}, {"set_class": 3}))
    assert values(log_ins.measure(SETTINGS, NOW)) == {
        "malleposte_acts_total{set_class}": 3,
        "malleposte_log_ins_total{imap,accepted}": 12,
        "malleposte_log_ins_total{imap,refused}": 2,
    }


class _Server:
    """A server in Valkey's place: it answers the user alone who may count."""

    def __init__(self, address: str, user: str, password: str) -> None:
        self.silent = address.endswith("valkey-throttle/valkey.sock") or (user, password) != ("watch", "a-password")
        self.closed = False

    def memory(self) -> tuple[int, int]:
        if self.silent:
            raise Unavailable("Valkey: no answer")
        return 64, 256

    def close(self) -> None:
        self.closed = True


def test_a_store_that_does_not_answer_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "Valkey", _Server)
    sockets = {name: f"/run/{name}/valkey.sock" for name in ("valkey", "valkey-throttle", "valkey-sso")}
    found = stores.measure(Settings(Path("/x"), (), (), "", Stores(sockets, "watch", "a-password")), NOW)
    assert values(found) == {
        "malleposte_store_up{valkey}": 1,
        "malleposte_store_up{valkey-throttle}": 0,
        "malleposte_store_up{valkey-sso}": 1,
        "malleposte_sso_store_used_ratio{valkey-sso}": 0.25,
        "malleposte_limit_used_ratio{memory of valkey}": 0.25,
    }
    assert "malleposte_limit_used_ratio{memory of x}" not in values(stores.shares({"x": (5, 0)})), "no limit"
    assert "a-password" not in repr(Stores(sockets, "watch", "a-password"))


def test_reports_say_when_the_last_came_and_what_was_not_kept_today() -> None:
    figures = Figures({"dmarc": 1_795_990_000}, refused=3, dropped=1, unknown=12)
    assert values(reports.counts(figures)) == {
        "malleposte_reports_last_seconds{dmarc}": 1_795_990_000,
        "malleposte_reports_today{refused}": 3,
        "malleposte_reports_today{dropped}": 1,
        "malleposte_reports_unknown_rows": 12,
    }
    assert "malleposte_reports_last_seconds" not in values(reports.counts(Figures({}, 0, 0, 0)))
