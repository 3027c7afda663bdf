"""The manifest, the role and the program of the watch name the same pages and measures; the port refuses what it must.

Whether nginx takes its file, and answers so, is seen on a deployed host: `tests/stack/shared/platform/test_watch.py`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml
from malleposte.watch.registry import MEASURES

ROOT = Path(__file__).parents[3]
ROLE = ROOT / "roles/watch"
MANIFEST = yaml.safe_load((ROOT / "playbooks/group_vars/all/services.yml").read_text("utf-8"))["malleposte_services"]
DEFAULTS = yaml.safe_load((ROLE / "defaults/main.yml").read_text("utf-8"))
OPTIONS = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text("utf-8"))["argument_specs"]["main"]["options"]
VARIABLES = yaml.safe_load((ROLE / "vars/main.yml").read_text("utf-8"))


def named(key: str) -> set[str]:
    """The names that services have under a key of `watch`."""
    return {name for service in MANIFEST.values() for name in service.get("watch", {}).get(key, [])}


def test_every_page_of_the_manifest_is_one_of_the_role() -> None:
    assert named("paths") == set(OPTIONS["watch_paths"]["choices"])
    servers = {name for name in named("paths") if name.startswith("valkey")}
    assert named("paths") - servers == set(VARIABLES["__watch_upstreams"])


def test_every_measure_of_the_manifest_is_made_and_every_measure_is_in_the_manifest() -> None:
    assert named("measures") == set(MEASURES)


def port(**given: Any) -> str:
    """The file of the port, for pages of some daemons."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True)  # noqa: S701  # of nginx
    environment.filters["comment"] = lambda text: f"# {text}"
    template = environment.from_string((ROLE / "templates/etc/malleposte/watch/nginx.conf.j2").read_text("utf-8"))
    upstreams = {
        "node": {"to": "http://unix:/run/x/node.sock:/metrics"},
        "rspamd": {"to": "http://127.0.0.1:11334/metrics", "password": "a-password"},
    }
    mine = {"__watch_upstreams": upstreams, "__watch_state": "/var/lib/x", "__watch_sockets": "/run/x"}
    return template.render({**DEFAULTS, **mine, "ansible_managed": "ours", **given})


def test_each_page_is_an_exact_place_and_nothing_else_is_answered() -> None:
    text = port(
        watch_paths=["node", "rspamd", "valkey-sso"], watch_valkey={"valkey-sso": "/run/valkey-sso/valkey.sock"}
    )
    places = dict(re.findall(r"location (.+?) \{\n(.*?)\n        \}", text, re.DOTALL))
    assert places.keys() == {"/", "= /node", "= /rspamd", "= /valkey-sso"}
    assert "return 404;" in places["/"]
    assert "Password" not in places["= /node"]
    assert 'Password "a-password"' in places["= /rspamd"]
    address = "http://unix:/run/x/valkey.sock:/scrape?target=unix:///run/valkey-sso/valkey.sock"
    assert places["= /valkey-sso"].strip() == f"proxy_pass {address};"


def test_a_client_without_the_authority_s_certificate_is_refused_before_any_page() -> None:
    text = port(watch_paths=["node"])
    assert "ssl_verify_client on;" in text
    assert "ssl_protocols TLSv1.3;" in text
    refusal = text.index('if ($ssl_client_s_dn != "CN=watcher") {')
    assert refusal < text.index("location = /node")


@pytest.mark.parametrize("unit", ["malleposte-watch.service", "malleposte-measures.service"])
def test_a_unit_of_ours_has_no_capability(unit: str) -> None:
    text = (ROLE / f"templates/etc/systemd/system/{unit}.j2").read_text("utf-8")
    assert "{{ {} | academie.malleposte.hardening }}" in text
    assert "IPAddressDeny=any" in text
