"""Web sites in the service manifest: what an entry may say, and the sites of a host."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.academie.malleposte.plugins.module_utils import manifest

HOSTNAMES = {"webmail": "webmail.example.test", "portal": "pia.example.test"}
DENY = {"path": "/", "kind": "deny"}
ASK = {"path": "/_ask/", "kind": "authority", "to": "unix:/run/x.sock:/", "keep": {"who": "X-Who"}}
WEBMAIL = {"host": "webmail", "root": "/srv/x", "locations": [{"path": "/", "kind": "static"}]}
SERVICES: dict[str, dict[str, Any]] = {
    "webmail": {"group": "web", "vhost": WEBMAIL},
    "portal": {"group": "portal", "vhost": {"host": "portal", "locations": [DENY]}},
    "policy": {"group": ["web", "portal"], "vhost": {"label": "mta-sts", "locations": [DENY]}},
    "other": {"group": "web"},
}


def sites(services: dict[str, dict[str, Any]], *groups: str) -> list[dict[str, Any]]:
    return manifest.sites(services, groups, HOSTNAMES, "example.test")


def test_a_host_has_the_sites_of_its_groups() -> None:
    assert [site["name"] for site in sites(SERVICES, "web")] == ["webmail.example.test", "mta-sts.example.test"]
    assert [site["name"] for site in sites(SERVICES, "portal")] == ["pia.example.test", "mta-sts.example.test"]
    assert sites(SERVICES, "mail") == []


def test_one_host_with_every_group_has_each_site_once() -> None:
    assert len(sites(SERVICES, "web", "portal")) == 3


def test_a_site_keeps_what_its_entry_says() -> None:
    assert sites(SERVICES, "web")[0] == {
        "name": "webmail.example.test",
        "root": "/srv/x",
        "locations": [{"path": "/", "kind": "static"}],
    }


def location(**keys: Any) -> dict[str, Any]:
    return {"host": "webmail", "locations": [{"path": "/", **keys}]}


@pytest.mark.parametrize(
    ("site", "message"),
    [
        ({"locations": [DENY]}, "service a: vhost: give host or label"),
        ({"host": "webmail", "label": "x", "locations": [DENY]}, "service a: vhost: give host or label"),
        ({"host": "webmail"}, "service a: vhost: locations is missing"),
        ({"host": "webmail", "locations": []}, "service a: vhost: locations cannot be"),
        ({"host": "nowhere", "locations": [DENY]}, "vhost host nowhere is not in malleposte_hostnames"),
        ({"label": "Not A Label", "locations": [DENY]}, "vhost: label cannot be 'Not A Label'"),
        ({"host": "webmail", "max_body": 3, "locations": [DENY]}, "vhost: unknown key max_body"),
        ({"host": "webmail", "max_body_mb": "3m", "locations": [DENY]}, "vhost: max_body_mb cannot be '3m'"),
        ({"host": "webmail", "csp": "a\nb", "locations": [DENY]}, "vhost: csp cannot be"),
        ({"host": "webmail", "locations": [DENY, DENY]}, "location 2: / is there twice"),
        ({"host": "webmail", "locations": ["x"]}, "location 1: kind '' is not one of proxy"),
        (location(kind="prxy"), "location 1: kind 'prxy' is not one of proxy"),
        (location(kind="proxy"), "location 1: to is missing"),
        (location(kind="proxy", to="127.0.0.1:80"), "location 1: to cannot be"),
        (location(kind="proxy", to="http://127.0.0.1; evil"), "location 1: to cannot be"),
        (location(kind="proxy", to="http://127.0.0.1:80", body="a\nb"), "location 1: body cannot be"),
        (location(kind="proxy", to="http://127.0.0.1:80", keep={"a": "b c"}), "location 1: keep cannot be"),
        (location(kind="deny", expires="1d"), "location 1: unknown key expires"),
        (location(kind="deny", match="glob"), "location 1: match cannot be 'glob'"),
        (location(kind="deny", path="/a b {"), "location 1: path cannot be"),
        (location(kind="static"), "location 1: root is missing"),
        (location(kind="static", root="/a", alias="/b"), "location 1: give root or alias"),
        (location(kind="respond", body="$5"), r"location 1: body cannot hold a \$"),
        (location(kind="redirect", to="/x", code=7), "location 1: code cannot be 7"),
        (location(kind="proxy", to="http://127.0.0.1:80", auth="/_ask/x"), "auth /_ask/x is in no location"),
        ({"host": "webmail", "locations": [{**DENY, "auth": "/_ask/x"}, ASK]}, "deny would answer before auth"),
        ({"host": "webmail", "locations": [{**ASK, "keep": {"a b": "X-A"}}]}, "keep cannot be"),
        (location(kind="route", to="@a_$b"), "location 1: no location is named @a_"),
        (location(kind="route", to="/x"), "location 1: to cannot be"),
        (location(kind="deny", limit="all"), "location 1: limit cannot be 'all'"),
    ],
)
def test_a_wrong_entry_names_the_service_and_the_key(site: dict[str, Any], message: str) -> None:
    with pytest.raises(manifest.ManifestError, match=message):
        sites({"a": {"group": "web", "vhost": site}}, "web")


def test_two_services_cannot_share_a_name() -> None:
    with pytest.raises(manifest.ManifestError, match="service b: vhost webmail is already taken by webmail"):
        manifest.check_manifest({**SERVICES, "b": {"group": "mail", "vhost": WEBMAIL}})


def test_labels_lead_to_the_hosts_that_answer() -> None:
    assert manifest.label_places(SERVICES, {"web": ["w1", "w2"], "portal": ["p1"]}) == {"mta-sts": ["w1", "w2", "p1"]}


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
