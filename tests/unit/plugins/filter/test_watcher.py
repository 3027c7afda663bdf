"""Filters of the roles watcher and pager."""

from __future__ import annotations

from ansible_collections.academie.malleposte.plugins.filter import watcher
from malleposte.policy import devices


def test_a_file_for_each_host() -> None:
    (made,) = watcher.watcher_files([{"name": "mail1", "paths": ["node"]}], "etc/prometheus/host.yml.j2")
    assert made["dest"] == "/etc/prometheus/hosts/mail1.yml"
    assert made["vars"]["item"]["paths"] == ["node"]


def test_paths_of_a_host_are_those_of_its_services() -> None:
    services = {
        "watch": {"group": "malleposte", "units": ["w.service"], "watch": {"rings": "page", "paths": ["node"]}},
        "dovecot": {"group": "mail", "units": ["d.service"], "watch": {"rings": "page", "paths": ["dovecot"]}},
    }
    assert watcher.watcher_paths(["malleposte", "mail"], services) == ["dovecot", "node"]
    assert watcher.watcher_paths(["malleposte", "vault"], services) == ["node"]


def test_ports_by_the_way_of_asking() -> None:
    states = [
        {"kind": "https", "host": "webmail.test", "port": 443, "path": "/"},
        {"kind": "imaps", "host": "mail.test", "port": 993, "path": "/"},
        {"kind": "https", "host": "agenda.test", "port": 443, "path": "/SOGo/"},
    ]
    assert watcher.watcher_ports(states, "mail.test", ["sso.test"]) == [
        {
            "module": "https",
            "targets": ["https://agenda.test:443/SOGo/", "https://sso.test:443/", "https://webmail.test:443/"],
        },
        {"module": "imaps", "targets": ["mail.test:993"]},
        {"module": "smtp", "targets": ["mail.test:25"]},
    ]


def test_each_vault_has_two_accounts_that_may_write_to_each_other() -> None:
    rows = watcher.probe_accounts(["vault1.lan"], {"vault1.lan": ["192.0.2.1"]}, "ac-exemple.test")
    assert [row["uid"] for row in rows] == ["probe-vault1-1", "probe-vault1-2"]
    assert rows[0]["recipients"] == [row["mail"] for row in rows]
    assert rows[1]["networks"] == ["192.0.2.1"]


def test_peers_are_reached_by_name_and_vaults_are_listened_to() -> None:
    assert watcher.pager_peers(["vault2.lan", "pia1"], ["vault2.lan"], "ac-exemple.test", 7450) == [
        {"name": "vault2", "address": "tls://vault2.ac-exemple.test:7450", "vault": True},
        {"name": "pia1", "address": "tls://pia1.ac-exemple.test:7450", "vault": False},
    ]


def test_the_password_of_a_device_follows_from_a_secret() -> None:
    first, again, other = (watcher.device_password(secret) for secret in ("a", "a", "b"))
    assert first == again != other
    assert devices.is_device_password(first)
    assert devices.identifier(first) != devices.identifier(other)
