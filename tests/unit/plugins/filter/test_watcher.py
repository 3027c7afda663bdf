"""Filters of the roles watcher and pager."""

from __future__ import annotations

from ansible_collections.academie.malleposte.plugins.filter import watcher


def test_a_file_for_each_host() -> None:
    (made,) = watcher.watcher_files([{"name": "mail1", "paths": ["node"]}], "etc/prometheus/host.yml.j2")
    assert made["dest"] == "/etc/prometheus/hosts/mail1.yml"
    assert made["vars"]["item"]["paths"] == ["node"]


def test_ports_by_the_way_of_asking() -> None:
    states = [
        {"kind": "https", "host": "webmail.test", "port": 443, "path": "/"},
        {"kind": "imaps", "host": "mail.test", "port": 993, "path": "/"},
        {"kind": "https", "host": "agenda.test", "port": 443, "path": "/SOGo/"},
    ]
    assert watcher.watcher_ports(states, "mail.test") == [
        {"module": "https", "targets": ["https://agenda.test:443/SOGo/", "https://webmail.test:443/"]},
        {"module": "imaps", "targets": ["mail.test:993"]},
        {"module": "smtp", "targets": ["mail.test:25"]},
    ]


def test_peers_are_reached_by_name_and_vaults_are_listened_to() -> None:
    assert watcher.pager_peers(["vault2.lan", "pia1"], ["vault2.lan"], "ac-exemple.test", 7450) == [
        {"name": "vault2", "address": "tls://vault2.ac-exemple.test:7450", "vault": True},
        {"name": "pia1", "address": "tls://pia1.ac-exemple.test:7450", "vault": False},
    ]
