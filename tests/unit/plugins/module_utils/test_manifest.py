"""The service manifest: the ports, units and DNS records of a host."""

from typing import Any

import pytest
from ansible_collections.academie.malleposte.plugins.module_utils import manifest, service_needs

SERVICES: dict[str, dict[str, Any]] = {
    "smtp": {
        "group": "mail",
        "units": ["postfix.service"],
        "listen": [{"port": 25}, {"name": "alt", "port": 587, "from": ["any"]}],
    },
    "ldap": {"group": "directory", "units": ["slapd.service"], "listen": [{"port": 636, "from": ["admin", "lan"]}]},
    "web": {
        "group": "portal",
        "listen": [{"port": 443}],
        "dns": [{"service": "https", "port": 443, "target": "portal"}],
    },
}
PORT_1 = {"group": "g", "listen": [{"port": 1}]}
NETWORKS = {"admin": ["192.0.2.0/24"], "lan": ["198.51.100.0/24", "192.0.2.0/24"], "nobody": []}


def test_only_the_ports_of_the_host_s_groups_are_open() -> None:
    rules = manifest.firewall_rules(SERVICES, ["mail"], NETWORKS)
    assert [(rule["port"], rule["sources"]) for rule in rules] == [(25, []), (587, [])]


def test_sources_are_merged_and_sorted() -> None:
    (rule,) = manifest.firewall_rules(SERVICES, ["directory"], NETWORKS)
    assert rule == {"name": "ldap", "port": 636, "proto": "tcp", "sources": ["192.0.2.0/24", "198.51.100.0/24"]}


def test_an_empty_network_opens_nothing() -> None:
    services = {"ssh": {"group": "all", "listen": [{"port": 22, "from": ["nobody"]}]}}
    assert manifest.firewall_rules(services, ["all"], NETWORKS) == []


@pytest.mark.parametrize(
    ("services", "message"),
    [
        ({"a": {"group": "g", "lisen": []}}, "service a: unknown key lisen"),
        ({"a": {"units": []}}, "service a: group is missing"),
        ({"a": {"group": "g", "listen": [{"port": 70000}]}}, "port 70000 is not between 1 and 65535"),
        ({"a": PORT_1, "b": PORT_1}, "service b: port 1/tcp is already taken by a"),
        ({"a": {"group": ["f", "g"], "listen": PORT_1["listen"]}, "b": PORT_1}, "port 1/tcp is already taken by a"),
        ({"a": {"group": "g", "listen": [{"port": 1, "from": ["moon"]}]}}, "network moon is not in malleposte_"),
    ],
)
def test_a_wrong_entry_is_named(services: dict[str, Any], message: str) -> None:
    with pytest.raises(manifest.ManifestError, match=message):
        manifest.firewall_rules(services, ["g"], NETWORKS)


def test_units_and_records() -> None:
    assert manifest.units(SERVICES, ["mail", "directory"]) == ["postfix.service", "slapd.service"]
    assert manifest.srv_records(SERVICES, {"portal": "pia.example.test"}) == [
        {"service": "https", "proto": "tcp", "port": 443, "target": "pia.example.test"}
    ]
    with pytest.raises(manifest.ManifestError, match="dns target portal"):
        manifest.srv_records(SERVICES, {})


def test_public_names_lead_to_the_hosts_that_answer_for_them() -> None:
    services: dict[str, dict[str, Any]] = {
        "smtp": {"group": "mail", "hostname": ["mail", "old"]},
        "policy": {"group": ["mail", "portal"], "vhost": {"label": "mta-sts"}},
        "later": {"group": "nowhere", "hostname": "later"},
    }
    names = manifest.public_addresses(
        services,
        {"mail": "mail.example.test", "old": "smtp.example.test", "later": "x.example.test"},
        {"mail": ["m1", "m2"], "portal": ["p1"]},
        {"m1": "192.0.2.1", "m2": ["192.0.2.2", "2001:db8::2"], "p1": "192.0.2.3"},
        "example.test",
    )
    assert names["mta-sts.example.test"] == ["192.0.2.1", "192.0.2.2", "2001:db8::2", "192.0.2.3"]
    assert names["mail.example.test"] == names["smtp.example.test"] == ["192.0.2.1", "192.0.2.2", "2001:db8::2"]
    assert names["m1.example.test"] == ["192.0.2.1"]
    assert "x.example.test" not in names


def test_the_path_of_a_service_goes_with_its_record() -> None:
    dav = {"dav": {"group": "web", "dns": [{"service": "caldavs", "port": 443, "target": "dav", "path": "/"}]}}
    assert manifest.srv_records(dav, {"dav": "dav.example.test"})[0]["path"] == "/"


def test_a_service_that_the_platform_has_not_leaves_no_trace() -> None:
    whole = {
        "group": "portal",
        "units": ["page.service"],
        "listen": [{"port": 8443}],
        "dns": [{"service": "page", "port": 8443, "target": "portal"}],
        "vhost": {"host": "portal"},
        "backup": {"paths": ["/var/lib/page"]},
        "memory_mb": 300,
        "upgrade": {"packages": ["page"]},
        "directory": {"page": {"branches": ["people"], "read": ["uid"]}},
        "database": {"system_user": "page"},
    }
    names = {"portal": "pia.example.test"}
    groups = {"portal": ["pia1"], "database": ["db1"]}

    def traces(service: dict[str, Any]) -> list[Any]:
        services = {"page": service}
        mine = ["portal"]
        return [
            manifest.units(services, mine),
            manifest.firewall_rules(services, mine, NETWORKS),
            manifest.srv_records(services, names),
            manifest.sites(services, mine, names, "example.test"),
            manifest.backup(services, mine)["paths"],
            manifest.memory(services, mine),
            manifest.public_addresses(services, names, groups, {"pia1": "192.0.2.1"}, "example.test").get(
                names["portal"]
            ),
            manifest.databases(services, groups, {"pia1": "192.0.2.1"}, {}),
            service_needs.packages(services),
            service_needs.directory_accounts(services),
        ]

    assert all(traces(whole)) and traces(whole | {"present": True}) == traces(whole)
    assert not any(traces(whole | {"present": False}))
    with pytest.raises(manifest.ManifestError, match="service page: present cannot be 'no'"):
        manifest.check_manifest({"page": whole | {"present": "no"}})


def test_the_certificate_is_looked_for_where_the_firewall_opens_a_port_that_shows_it() -> None:
    services = {
        "mail": {
            "group": "mail",
            "units": ["help.socket", "mail.service"],
            "tls": {"reload": ["mail.service"]},
            "listen": [{"port": 993, "tls": "direct"}, {"port": 25, "tls": "smtp"}, {"port": 80}],
        },
        "inner": {"group": "mail", "units": ["inner.socket"], "listen": [{"port": 7443, "from": [], "tls": "direct"}]},
        "another": {"group": "web", "listen": [{"port": 443, "tls": "direct"}]},
    }
    opened = [{"port": number} for number in (25, 80, 443, 993, 993)]
    found = [
        {"port": 25, "tls": "smtp", "unit": "mail.service"},
        {"port": 993, "tls": "direct", "unit": "mail.service"},
    ]
    assert manifest.tls_ports(services, ["mail"], opened) == found
    inner = {"port": 7443, "tls": "direct", "unit": "inner.socket"}
    assert manifest.tls_ports(services, ["mail"], [*opened, {"port": 7443}]) == [*found, inner]
    with pytest.raises(manifest.ManifestError, match="service a: port 1: tls cannot be 'ftp'"):
        manifest.check_manifest({"a": {"group": "g", "listen": [{"port": 1, "tls": "ftp"}]}})
