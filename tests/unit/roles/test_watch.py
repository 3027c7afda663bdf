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
from ansible_collections.academie.malleposte.plugins.filter import watcher
from malleposte.watch.registry import MEASURES

ROOT = Path(__file__).parents[3]
ROLE = ROOT / "roles/watch"
MANIFEST = yaml.load((ROOT / "playbooks/group_vars/all/services.yml").read_text("utf-8"), yaml.CSafeLoader)[
    "malleposte_services"
]
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
    mine |= {"__watch_region_folder": VARIABLES["__watch_region_folder"], "watch_watchers": ["192.0.2.20"]}
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


def servers(text: str) -> list[str]:
    """The blocks of servers in a file of nginx."""
    return text.split("    server {\n")[1:]


def test_the_region_has_a_port_and_an_authority_of_its_own_and_one_page() -> None:
    (vaults,) = servers(port(watch_paths=["node"]))
    assert "9443" in vaults and "9444" not in vaults
    both = servers(port(watch_paths=["node"], watch_region_networks=["192.0.2.128/25"]))
    assert len(both) == 2
    assert both[0] == vaults or both[0].startswith(vaults.rstrip("}\n "))
    region = both[1]
    assert re.findall(r"listen (\S+) ssl;", region) == ["9444", "[::]:9444"]
    assert "ssl_verify_client on;" in region and "ssl_protocols TLSv1.3;" in region
    assert re.findall(r"ssl_client_certificate (\S+);", region) == ["/etc/malleposte/watch/region-ca.pem"]
    places = dict(re.findall(r"location (.+?) \{\n(.*?)\n        \}", region, re.DOTALL))
    assert places.keys() == {"/", "= /metrics"}
    assert "return 404;" in places["/"]
    assert "alias /var/lib/malleposte-region/metrics;" in places["= /metrics"]
    assert "proxy_pass" not in region, "no daemon is asked"


def test_without_vaults_the_region_s_port_is_the_only_one() -> None:
    (region,) = servers(port(watch_watchers=[], watch_region_networks=["192.0.2.128/25"]))
    assert "9443" not in region and "/node" not in region


def unit(**given: Any) -> str:
    """The unit of the measures."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True)  # noqa: S701  # of systemd
    environment.filters |= {
        "comment": lambda text: f"# {text}",
        "academie.malleposte.program": lambda name: f"/usr/bin/{name}",
        "academie.malleposte.program_digest": str.upper,
        "academie.malleposte.hardening": lambda exceptions: "NoNewPrivileges=yes",
    }
    text = (ROLE / "templates/etc/systemd/system/malleposte-measures.service.j2").read_text("utf-8")
    mine = {"ansible_managed": "ours", "__watch_written": ["/a", "/b"], "watch_valkey": {}}
    return environment.from_string(text).render({**mine, **given})


def test_the_unit_of_a_failure_measures_at_once_and_is_the_same_else() -> None:
    now, each_minute = unit(__watch_at_once=True), unit(__watch_at_once=False)
    assert "ExecStart=/usr/bin/measures --now /etc/malleposte/watch.json" in now
    assert "StartLimitIntervalSec=0" in now
    assert "ExecStart=/usr/bin/measures /etc/malleposte/watch.json" in each_minute
    assert "StartLimitIntervalSec=0" in each_minute
    assert now.partition("[Service]")[2].replace(" --now", "") == each_minute.partition("[Service]")[2]
    assert "ReadWritePaths=/a /b" in now


def test_each_unit_of_the_manifest_has_a_drop_in_that_names_that_unit() -> None:
    rows = watcher.watch_drop_ins(["rspamd.service", "valkey-server@portal.service"], "etc/x.conf.j2")
    assert [one["dest"] for one in rows] == [
        "/etc/systemd/system/rspamd.service.d/malleposte-watch.conf",
        "/etc/systemd/system/valkey-server@portal.service.d/malleposte-watch.conf",
    ]
    drop_in = (ROLE / "templates/etc/systemd/system/failure.conf.j2").read_text("utf-8")
    (name,) = re.findall(r"^OnFailure=(\S+)$", drop_in, re.MULTILINE)
    files = [one.get("dest", "") for one in VARIABLES["__watch_files"]]
    assert f"/etc/systemd/system/{name}" in files


@pytest.mark.parametrize("unit", ["malleposte-watch.service", "malleposte-measures.service"])
def test_a_unit_of_ours_has_no_capability(unit: str) -> None:
    text = (ROLE / f"templates/etc/systemd/system/{unit}.j2").read_text("utf-8")
    assert "{{ {} | academie.malleposte.hardening }}" in text
    assert "IPAddressDeny=any" in text
