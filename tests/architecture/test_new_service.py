"""`malleposte new-service` writes what the rules of this folder ask, in a copy of the checkout."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from malleposte.core.errors import InputError
from malleposte.dev import skeleton

from .conftest import ROOT

LEFT_OUT = (".git", ".venv", ".ansible", ".cache", ".mypy_cache", ".ruff_cache", ".pytest_cache", "var", "secrets")
NODE = skeleton.Service(
    "node_exporter", "malleposte", "prometheus-node-exporter", "prometheus-node-exporter.service", "Figures of a host"
)
WEB = skeleton.Service(
    "figures", "web", "prometheus-postgres-exporter", "prometheus-postgres-exporter.service", "Figures of databases",
    label="figures", port=9187, database="prometheus", directory=True,
)  # fmt: skip
MOST = {"node exporter": 8, "web service": 12}
"""Files that the command writes or extends; docs/add-a-service.md counts those that a person edits then."""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the checkout, without what is made in it but for compiled modules."""
    copy = tmp_path / "checkout"
    shutil.copytree(ROOT, copy, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
    return copy


def test_new_services_keep_the_rules(checkout: Path) -> None:
    node = {str(path) for path in skeleton.write(NODE, checkout)}
    assert {"playbooks/site.yml", "roles/node_exporter/tasks/main.yml"} <= node
    assert len(node) <= MOST["node exporter"]
    web = {str(path) for path in skeleton.write(WEB, checkout)}
    assert {"playbooks/group_vars/all/wiring.yml", "roles/figures/tasks/site.yml"} <= web
    assert len(web) <= MOST["web service"]
    manifest = yaml.safe_load((checkout / skeleton.MANIFEST).read_text("utf-8"))["malleposte_services"]
    assert manifest["node_exporter"]["units"] == ["prometheus-node-exporter.service"]
    assert manifest["figures"]["vhost"] == {"label": "figures"}
    settings = (checkout / "roles/figures/templates/etc/malleposte/figures.env.j2").read_text("utf-8")
    assert "DATABASE_USER=figures" in settings
    environment = {**os.environ, "PYTHONPATH": str(checkout / "cli")}
    rules = [
        "tests/architecture/test_roles.py",
        "tests/architecture/test_flows.py",
        "tests/unit/roles/test_web_sites.py",
    ]
    for words in (["-m", "malleposte.dev.reference"], ["-m", "pytest", "-q", *rules]):
        done = subprocess.run(
            [sys.executable, *words], cwd=checkout, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    reference = (checkout / "docs/reference/roles.md").read_text("utf-8")
    assert "node_exporter_memory_max" in reference
    assert "figures_ldap_password" in reference


def test_what_is_there_is_left_as_it_is(checkout: Path) -> None:
    before = (checkout / skeleton.MANIFEST).read_bytes()
    for name, message in (("memcached", "roles/memcached is there already"), ("resolver", "resolver is there already")):
        with pytest.raises(InputError, match=message):
            skeleton.write(skeleton.Service(name, "web", name, f"{name}.service", "x"), checkout)
    assert (checkout / skeleton.MANIFEST).read_bytes() == before
    assert not (checkout / "roles/resolver").exists()


@pytest.mark.parametrize(
    ("name", "group", "unit", "message"),
    [
        ("Node-Exporter", "web", "a.service", "not a name of a role"),
        ("node", "elsewhere", "a.service", "elsewhere: no group of hosts"),
        ("node", "web", "a.timer", "a.timer: not a service of systemd"),
    ],
)
def test_what_cannot_be_is_refused(name: str, group: str, unit: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        skeleton.Service(name, group, name, unit, "x")


def test_a_site_has_a_name_and_a_port() -> None:
    with pytest.raises(InputError, match="a web site needs a label and a port"):
        skeleton.Service("node", "web", "node", "node.service", "x", label="figures")
