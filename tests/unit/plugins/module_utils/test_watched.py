"""The watch of services, as the manifest says it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.academie.malleposte.plugins.module_utils import manifest

SERVICES: dict[str, dict[str, Any]] = {
    "smtp": {"group": "mail", "units": ["b.service", "a.service"], "watch": {"rings": "page", "measures": ["queue"]}},
    "keys": {"group": "mail", "units": ["k.service"], "watch": {"rings": "ticket", "paths": ["valkey", "node"]}},
    "site": {"group": "mail", "watch": {"none": "a site of nginx"}},
    "web": {"group": "web", "units": ["w.service"], "watch": {"rings": "page", "paths": ["web"]}},
    "gone": {"group": "mail", "present": False, "units": ["g.service"], "watch": {"rings": "page", "paths": ["gone"]}},
}


def test_a_host_watches_its_own_services_alone() -> None:
    assert manifest.watch(SERVICES, ["mail"]) == {
        "units": [
            {"name": "a.service", "service": "smtp", "rings": "page"},
            {"name": "b.service", "service": "smtp", "rings": "page"},
            {"name": "k.service", "service": "keys", "rings": "ticket"},
        ],
        "paths": ["node", "valkey"],
        "measures": ["queue"],
    }


@pytest.mark.parametrize(
    ("units", "watch", "message"),
    [
        (["a.service"], {"rings": "never"}, "rings cannot be 'never'"),
        (["a.service"], {"rings": "page", "path": []}, "unknown key path"),
        (["a.service"], {"rings": "page", "paths": ["/node"]}, "paths cannot be"),
        (["a.service"], {"rings": "page", "paths": "node"}, "paths cannot be 'node'"),
        (["a.service"], {"measures": ["queue"]}, "rings is missing"),
        (["a.service"], {"none": "no"}, "it has units"),
        ([], {"none": "no", "rings": "page"}, "none stands alone"),
        ([], {"none": ""}, "none cannot be ''"),
    ],
)
def test_a_wrong_watch_is_named(units: list[str], watch: dict[str, Any], message: str) -> None:
    with pytest.raises(manifest.ManifestError, match=f"service a: watch: {message}"):
        manifest.watch({"a": {"group": "g", "units": units, "watch": watch}}, ["g"])
