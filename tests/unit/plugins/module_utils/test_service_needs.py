"""Needs of the manifest's services: memory, upgrades, bans, databases, accounts of the directory."""

from typing import Any

import pytest
from ansible_collections.academie.malleposte.plugins.module_utils import manifest, service_needs

RIGHTS = {"branches": ["people"], "read": ["uid"]}
SERVICES: dict[str, dict[str, Any]] = {
    "ldap": {"group": "directory", "memory_mb": 100, "upgrade": {"packages": ["slapd"], "rank": 6, "by_hand": True}},
    "sql": {"group": "database", "memory_mb": 200, "upgrade": {"packages": ["postgresql"], "rank": 5}},
    "front": {"group": ["web", "portal"], "memory_mb": 30, "upgrade": {"packages": ["nginx"], "rank": 2}},
    "mail": {"group": "mail", "jails": ["guesses"], "directory": {"mail": RIGHTS}},
    "webmail": {
        "group": "web",
        "vhost": {"host": "webmail"},
        "jails": ["guesses", "web"],
        "database": {"system_user": "www"},
        "directory": {"webmail": RIGHTS, "senders": RIGHTS},
    },
}
GROUPS = {"directory": ["m"], "database": ["m"], "mail": ["m"], "web": ["m", "w"], "portal": ["p"]}


def test_memory_of_a_host_counts_each_service_once() -> None:
    assert manifest.memory(SERVICES, ["directory", "database"]) == 300
    assert manifest.memory(SERVICES, ["web", "portal"]) == 30
    assert manifest.memory(SERVICES | {"off": {"group": "web", "memory_mb": 0}}, ["web"]) == 30


def test_a_host_is_upgraded_after_those_on_which_less_depends() -> None:
    assert manifest.upgrades(SERVICES, ["directory", "web"]) == {"rank": 6, "by_hand": ["slapd"]}
    assert manifest.upgrades(SERVICES, ["portal"]) == {"rank": 2, "by_hand": []}
    assert service_needs.packages(SERVICES) == ["nginx", "postgresql", "slapd"]


def test_jails_and_accounts() -> None:
    assert manifest.jails(SERVICES, ["mail", "web"]) == ["guesses", "web"]
    assert manifest.jails(SERVICES, ["portal"]) == []
    assert list(service_needs.directory_accounts(SERVICES)) == ["mail", "webmail", "senders"]


def test_a_database_is_open_to_the_hosts_elsewhere_that_run_its_service() -> None:
    addresses = {"m": "192.0.2.1", "w": ["192.0.2.2", "2001:db8::2"]}
    assert manifest.databases(SERVICES, GROUPS, addresses, {"webmail": "secret"}) == [
        {"name": "webmail", "system_user": "www", "clients": ["192.0.2.2", "2001:db8::2"], "password": "secret"}
    ]
    together = GROUPS | {"web": ["m"]}
    assert manifest.databases(SERVICES, together, addresses, {}) == [
        {"name": "webmail", "system_user": "www", "clients": [], "password": ""}
    ]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"memory_mb": "much"}, "service a: memory_mb cannot be 'much'"),
        ({"memory_mb": -1}, "service a: memory_mb cannot be -1"),
        ({"jails": "sshd"}, "service a: jails cannot be 'sshd'"),
        ({"upgrade": {"rank": 10}}, "service a: upgrade: rank cannot be 10"),
        ({"upgrade": {"package": []}}, "service a: upgrade: unknown key package"),
        ({"database": {}}, "service a: database: system_user is missing"),
        ({"directory": {"a": {"branches": ["people"]}}}, "service a: directory.a: read is missing"),
        ({"directory": {"mail": RIGHTS}}, "service a: directory account mail is that of mail already"),
    ],
)
def test_a_wrong_entry_is_named(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(manifest.ManifestError, match=message.replace("(", r"\(")):
        manifest.check_manifest({"mail": SERVICES["mail"], "a": {"group": "g", **entry}})


def test_what_a_restore_stops_restarts_and_counts() -> None:
    services: dict[str, dict[str, Any]] = {
        "cache": {"group": "web", "units": ["cache.service"]},
        "store": {"group": "mail", "units": ["store.service"], "restore": {"stop": ["store.service"]}},
        "webmail": {
            "group": "web",
            "units": ["webmail.service"],
            "database": {"system_user": "www", "restart": ["cache.service", "webmail.service"], "users": "SELECT 1"},
        },
    }
    users = {"webmail": "SELECT 1"}
    told = manifest.restore(services, ["mail", "database"])
    assert told == {"stop": ["store.service"], "restart": {}, "users": users}, "a database may be away from its service"
    told = manifest.restore(services, ["web"])
    assert told == {"stop": [], "restart": {"webmail": ["cache.service", "webmail.service"]}, "users": users}


def test_units_that_are_told_of_a_new_certificate() -> None:
    services: dict[str, dict[str, Any]] = {
        "front": {"group": ["web", "portal"], "units": ["front.service"], "tls": {"reload": ["front.service"]}},
        "ldap": {"group": "directory", "units": ["ldap.service"], "tls": {"restart": ["ldap.service"]}},
    }
    assert manifest.tls_units(services, ["web", "portal"]) == {"reload": ["front.service"], "restart": []}
    assert manifest.tls_units(services, ["directory"]) == {"reload": [], "restart": ["ldap.service"]}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"tls": {"reload": "x.service"}}, "tls: reload cannot be"),
        ({"tls": {"stop": ["x.service"]}}, "tls: unknown key stop"),
        ({"restore": {"stop": ["y.service"]}}, "y.service is no unit of a service"),
        ({"database": {"system_user": "x", "restart": ["y.service"]}}, "y.service is no unit of a service"),
    ],
)
def test_what_is_told_must_be_a_unit_of_a_service(entry: dict[str, Any], said: str) -> None:
    known = {"group": "web", "units": ["x.service"]}
    manifest.check_manifest({"x": known | {"restore": {"stop": ["x.service"]}, "tls": {"reload": ["x.service"]}}})
    with pytest.raises(manifest.ManifestError, match=said):
        manifest.check_manifest({"x": known | entry})
