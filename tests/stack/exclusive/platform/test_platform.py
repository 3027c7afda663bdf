"""The manifest is true of each host: its units run, its ports are those and no others."""

import ipaddress
import json
import re
from collections.abc import Iterator
from typing import Any

import malleposte
import pytest
import yaml
from ansible_collections.academie.malleposte.plugins.module_utils import manifest
from malleposte.core.paths import ROOT

from tests.stack.support.site import Site

HOSTS = ("mail1", "pia1", "vault1", "vault2")
MANIFEST = yaml.safe_load((ROOT / "playbooks/group_vars/all/services.yml").read_text())["malleposte_services"]
# The lab's log-in page is the platform's: a provider of its own has a test apart (test_own_provider).
NOWHERE = {"sso_tokens", "region_measures", "siem"}
ON_A_VAULT = NOWHERE | {"backup"}
ABSENT = {
    "mail1": NOWHERE | {"null_client", "prober", "pager"},
    "pia1": NOWHERE | {"prober"},
    "vault1": ON_A_VAULT,
    "vault2": ON_A_VAULT,
}
"""Services that a host of the lab has not, though its groups do."""


def services(name: str) -> dict[str, Any]:
    """The manifest's services that may be on a host."""
    return {service: one for service, one in MANIFEST.items() if service not in ABSENT[name]}


def groups_of(site: Site, name: str) -> Iterator[str]:
    """The inventory groups of a host, parents included."""
    listing = site.listing
    direct = {group for group, content in listing.items() if name in content.get("hosts", [])}
    while True:
        parents = {group for group, content in listing.items() if direct & set(content.get("children", []))}
        if parents <= direct:
            break
        direct |= parents
    yield from direct


@pytest.mark.parametrize("name", HOSTS)
def test_every_unit_of_the_manifest_runs(site, host, name):
    for unit in manifest.units(services(name), groups_of(site, name)):
        assert host(name).run(f"systemctl is-active {unit}").stdout.strip() == "active", unit
    failed = host(name).run("systemctl --failed --no-legend --plain").stdout.split("\n")
    assert [line for line in failed if line] == []


@pytest.mark.parametrize("name", HOSTS)
def test_what_listens_on_the_network_is_in_the_manifest(site, host, name):
    allowed = {
        listen["port"]
        for service in manifest.services_of(services(name), groups_of(site, name)).values()
        for listen in service.get("listen", [])
    } | {22}
    if name == "mail1":
        allowed.add(7448)  # the tunnel by which pia1 learns of guesses
    listening = set()
    for line in host(name).check_output("ss -Hltn").splitlines():
        address, _colon, port = line.split()[3].rpartition(":")
        bare = re.sub(r"%\w+$", "", address.strip("[]"))
        if bare == "*" or not ipaddress.ip_address(bare).is_loopback:
            listening.add(int(port))
    assert listening <= allowed


@pytest.mark.parametrize("name", HOSTS)
def test_the_facts_of_the_platform_are_there_and_no_secret_is(site, host, name):
    found = host(name).file("/etc/malleposte/platform.json")
    facts: dict[str, Any] = json.loads(found.content_string)
    assert found.mode == 0o644
    assert facts["version"] == malleposte.__version__
    assert facts["domain"] == "ac-exemple.test"
    assert facts["profiles"]["convergence"]["quota_mb"] == 5000
    for secret in (path for path in (site.folder / "secrets").iterdir() if path.is_file()):
        assert secret.read_text().strip() not in found.content_string, secret.name
