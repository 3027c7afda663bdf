"""Public names in the service manifest: what an entry may say, the sites of a host, and the portal's tiles."""

from typing import Any

import pytest
from ansible_collections.academie.malleposte.plugins.module_utils import manifest

HOSTNAMES = {"webmail": "webmail.example.test", "portal": "pia.example.test", "mail": "mail.example.test"}
SERVICES: dict[str, dict[str, Any]] = {
    "webmail": {"group": "web", "vhost": {"host": "webmail"}},
    "portal": {"group": "portal", "vhost": {"host": "portal"}},
    "policy": {"group": ["web", "portal"], "vhost": {"label": "mta-sts", "plain_http": True}},
    "smtp": {"group": "mail", "hostname": "mail"},
    "other": {"group": "web"},
}


def sites(services: dict[str, dict[str, Any]], *groups: str) -> list[dict[str, Any]]:
    return manifest.sites(services, groups, HOSTNAMES, "example.test")


def test_a_host_has_the_sites_of_its_groups() -> None:
    assert sites(SERVICES, "web") == [
        {"name": "webmail.example.test", "service": "webmail", "plain_http": False},
        {"name": "mta-sts.example.test", "service": "policy", "plain_http": True},
    ]
    assert [site["service"] for site in sites(SERVICES, "portal")] == ["portal", "policy"]
    assert sites(SERVICES, "mail") == []


def test_one_host_with_every_group_has_each_site_once() -> None:
    assert len(sites(SERVICES, "web", "portal")) == 3


def test_a_certificate_bears_the_names_that_its_host_answers_for() -> None:
    def names(*groups: str) -> list[str]:
        return manifest.names(SERVICES, groups, HOSTNAMES, "example.test")

    assert names("mail", "web") == ["mail.example.test", "webmail.example.test", "mta-sts.example.test"]
    assert names("portal") == ["pia.example.test", "mta-sts.example.test"]
    assert names("vault") == []


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"vhost": {}}, "service a: vhost: give host or label"),
        ({"vhost": {"host": "webmail", "label": "x"}}, "service a: vhost: give host or label"),
        ({"vhost": {"host": "nowhere"}}, "service a: host name nowhere is not in malleposte_hostnames"),
        ({"vhost": {"label": "Not A Label"}}, "vhost: label cannot be 'Not A Label'"),
        ({"vhost": {"host": "webmail", "locations": []}}, "vhost: unknown key locations"),
        ({"vhost": {"host": "webmail", "plain_http": "yes"}}, "vhost: plain_http cannot be 'yes'"),
        ({"hostname": ["mail", "moon"]}, "service a: host name moon is not in malleposte_hostnames"),
    ],
)
def test_a_wrong_entry_names_the_service_and_the_key(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(manifest.ManifestError, match=message):
        manifest.names({"a": {"group": "web", **entry}}, ["web"], HOSTNAMES, "example.test")


def test_two_services_cannot_share_a_name() -> None:
    with pytest.raises(manifest.ManifestError, match="service b: vhost webmail is already taken by webmail"):
        manifest.check_manifest({**SERVICES, "b": {"group": "mail", "vhost": {"host": "webmail"}}})


TILE = {"title": {"fr": "Courrier", "en": "Mail"}, "text": {"fr": "Lire", "en": "Read"}, "host": "webmail"}


def test_tiles_are_ordered_and_only_of_services_that_run() -> None:
    services: dict[str, dict[str, Any]] = {
        "late": {"group": "web", "tile": {**TILE, "order": 200, "path": "/late"}},
        "first": {"group": "web", "tile": TILE},
        "absent": {"group": "nowhere", "tile": TILE},
    }
    found = manifest.tiles(services, {"web": ["w1"], "nowhere": []}, HOSTNAMES)
    assert [tile["url"] for tile in found] == ["https://webmail.example.test/", "https://webmail.example.test/late"]
    assert found[0]["title"]["fr"] == "Courrier"


@pytest.mark.parametrize(
    ("tile", "message"),
    [
        ({**TILE, "title": {"fr": "Courrier"}}, "service a: tile: title cannot be"),
        ({**TILE, "href": "/"}, "service a: tile: unknown key href"),
        ({"title": TILE["title"], "host": "webmail"}, "service a: tile: text is missing"),
        ({**TILE, "host": "moon"}, "service a: tile host moon is not in malleposte_hostnames"),
    ],
)
def test_a_wrong_tile_is_named(tile: dict[str, Any], message: str) -> None:
    with pytest.raises(manifest.ManifestError, match=message):
        manifest.tiles({"a": {"group": "web", "tile": tile}}, {"web": ["w1"]}, HOSTNAMES)


STATUS = {"title": TILE["title"], "host": "mail", "kind": "imaps", "port": 993}


def test_states_are_of_tiles_and_of_those_that_say_how() -> None:
    services: dict[str, dict[str, Any]] = {
        "dovecot": {"group": "mail", "status": STATUS},
        "late": {"group": "web", "tile": {**TILE, "order": 200, "path": "/late"}},
        "first": {"group": "web", "tile": TILE},
        "absent": {"group": "nowhere", "tile": TILE},
        "silent": {"group": "web"},
    }
    found = manifest.states(services, {"web": ["w1"], "mail": ["m1"], "nowhere": []}, HOSTNAMES)
    assert [(one["service"], one["kind"], one["host"], one["port"], one["path"]) for one in found] == [
        ("first", "https", "webmail.example.test", 443, "/"),
        ("late", "https", "webmail.example.test", 443, "/late"),
        ("dovecot", "imaps", "mail.example.test", 993, "/"),
    ]


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ({**STATUS, "kind": "ping"}, "service a: status: kind cannot be"),
        ({**STATUS, "shoe": 1}, "service a: status: unknown key shoe"),
        ({"title": TILE["title"]}, "service a: status: host is missing"),
        ({**STATUS, "host": "moon"}, "service a: status host moon is not in malleposte_hostnames"),
    ],
)
def test_a_wrong_status_is_named(status: dict[str, Any], message: str) -> None:
    with pytest.raises(manifest.ManifestError, match=message):
        manifest.states({"a": {"group": "web", "status": status}}, {"web": ["w1"]}, HOSTNAMES)
