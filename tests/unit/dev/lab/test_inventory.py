"""The inventory is the lab's one list of hosts."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml
from malleposte.dev.lab import Bind, LabUsageError, inventory

ROOT = Path(__file__).resolve().parents[4]
SHIPPED = ROOT / "inventories" / "lab" / "hosts.yml"


def write(tmp_path: Path, document: Any) -> Path:
    path = tmp_path / "hosts.yml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def sample(**host: Any) -> dict[str, Any]:
    return {
        "all": {
            "vars": {"lab_prefix": "t", "lab_network": "10.213.9.0/24"},
            "children": {
                "one": {"hosts": {"a": {"ansible_host": "10.213.9.11", **host}}},
                "two": {"hosts": {"a": None, "b": {"ansible_host": "10.213.9.12"}}},
            },
        }
    }


def test_shipped_inventory() -> None:
    lab = inventory.read(SHIPPED)
    assert lab.prefix == "mp"
    assert {host.name: str(host.address) for host in lab.hosts} == {
        "world": "10.213.80.10",
        "mail1": "10.213.80.11",
        "pia1": "10.213.80.12",
        "vault1": "10.213.80.13",
        "vault2": "10.213.80.14",
    }
    assert all(host.fqdn and host.memory_mb for host in lab.hosts)


@pytest.mark.parametrize("path", [SHIPPED, ROOT / "molecule/default/inventory/hosts.yml"])
def test_a_shipped_inventory_points_at_the_state_of_its_own_lab(path: Path) -> None:
    settings, lab = inventory.settle(inventory.read(path), environ={})
    variables = lab.document["all"]["vars"]
    assert variables["lab_state"] == str(settings.state)
    assert variables["ansible_ssh_private_key_file"] == str(settings.key)
    own = inventory.ssh_args(settings).split()
    assert set(variables["ansible_ssh_common_args"].split()) <= set(own)
    assert inventory.is_own(lab, settings)


def test_directory_stands_for_its_hosts_file(tmp_path: Path) -> None:
    write(tmp_path, sample())
    assert [host.name for host in inventory.read(tmp_path).hosts] == ["a", "b"]


def test_a_host_of_two_groups_is_one_host(tmp_path: Path) -> None:
    lab = inventory.read(write(tmp_path, sample(lab_fqdn="a.test", lab_memory_mb=50, lab_binds=["/s:/t"])))
    first = lab.hosts[0]
    assert (first.name, first.names, first.memory_mb) == ("a", ("a.test", "a"), 50)
    assert first.binds == (Bind("/s", "/t"),)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ansible_host": "10.213.10.11"}, "not a host address of 10.213.9.0/24"),
        ({"ansible_host": "10.213.9.1"}, "not a host address"),
        ({"ansible_host": "10.213.9.255"}, "not a host address"),
        ({"ansible_host": "mail.test"}, "host a: "),
        ({"ansible_host": "10.213.9.12"}, "a and b share 10.213.9.12"),
        ({"lab_memory_mb": "much"}, "host a: "),
        ({"lab_binds": ["/only"]}, "bad bind '/only'"),
    ],
)
def test_bad_host_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(LabUsageError, match=message):
        inventory.read(write(tmp_path, sample(**change)))


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "not a YAML inventory"),
        ({"all": []}, "not a YAML inventory"),
        ({"all": {"vars": {"lab_prefix": "t"}}}, "no host"),
        ({"all": {"vars": {}}}, "no lab_prefix: its hosts are no lab's"),
        ({"all": {"vars": {"lab_prefix": ""}}}, "bad lab prefix"),
        ({"all": {"vars": {"lab_prefix": "t", "lab_network": "8.8.8.0/24"}}}, "not a private network"),
        ({"all": {"vars": {"lab_prefix": "t", "lab_network": "10.0.0.0/30"}}}, "16 addresses"),
        ({"all": {"vars": {"lab_prefix": "t"}, "hosts": {"x": {}}}}, "no ansible_host"),
        ({"all": {"vars": {"lab_prefix": "t"}, "hosts": {"A_b": {}}}}, "a lab host is named by"),
    ],
)
def test_bad_document_is_refused(tmp_path: Path, document: Any, message: str) -> None:
    with pytest.raises(LabUsageError, match=message):
        inventory.read(write(tmp_path, document))


def test_unreadable_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hosts.yml"
    with pytest.raises(LabUsageError, match="no lab inventory"):
        inventory.read(path)
    path.write_text("a: [", encoding="utf-8")
    with pytest.raises(LabUsageError, match="not a YAML inventory"):
        inventory.read(path)


def test_argument_beats_environment_beats_inventory(tmp_path: Path) -> None:
    lab = inventory.read(write(tmp_path, sample()))
    environ = {"MALLEPOSTE_LAB_PREFIX": "e", "MALLEPOSTE_LAB_NETWORK": "10.213.7.0/24"}
    assert inventory.settle(lab, environ={})[0].network == IPv4Network("10.213.9.0/24")
    assert inventory.settle(lab, environ=environ)[0].prefix == "e"
    settings, moved = inventory.settle(lab, prefix="q", network="10.213.8.0/24", environ=environ)
    assert (settings.prefix, settings.network) == ("q", IPv4Network("10.213.8.0/24"))
    assert [str(host.address) for host in moved.hosts] == ["10.213.8.11", "10.213.8.12"]


def test_another_prefix_has_a_network_of_its_own(tmp_path: Path) -> None:
    lab = inventory.read(write(tmp_path, sample()))
    settings, moved = inventory.settle(lab, prefix="q", environ={})
    assert settings.network != lab.network
    assert all(host.address in settings.network for host in moved.hosts)


def test_two_inventories_make_two_labs_under_one_environment(tmp_path: Path) -> None:
    one = inventory.read(SHIPPED)
    fleet = inventory.read(ROOT / "inventories" / "fleet")
    environ = {"MALLEPOSTE_LAB_PREFIX": "essai", "MALLEPOSTE_LAB_NETWORK": "10.213.7.0/24"}
    first, second = (inventory.settle(lab, environ=environ)[0] for lab in (one, fleet))
    assert (first.prefix, second.prefix) == ("essai", "essaif")
    assert not first.network.overlaps(second.network)
    # Where both have their own names.
    assert not one.network.overlaps(fleet.network)
    assert inventory.is_own(*inventory.settle(fleet, environ={})[::-1])
    # The longest prefix keeps its length; the written inventory is the same lab again.
    settings, moved = inventory.settle(fleet, root=tmp_path, environ={"MALLEPOSTE_LAB_PREFIX": "huitlong"})
    assert settings.prefix == "huitlonf"
    path = tmp_path / "hosts.yml"
    path.write_text(inventory.render(moved, settings), encoding="utf-8")
    again = inventory.read(path)
    for environ in ({"MALLEPOSTE_LAB_PREFIX": "huitlong"}, {}):
        assert inventory.settle(again, root=tmp_path, environ=environ)[0] == settings


@pytest.mark.parametrize("suffix", ["ff", "-", "F"])
def test_a_suffix_is_one_letter(tmp_path: Path, suffix: str) -> None:
    document = sample()
    document["all"]["vars"]["lab_suffix"] = suffix
    with pytest.raises(LabUsageError, match="lab_suffix"):
        inventory.read(write(tmp_path, document))


def test_too_small_a_network_is_refused(tmp_path: Path) -> None:
    document = sample()
    document["all"]["children"]["two"]["hosts"]["b"]["ansible_host"] = "10.213.9.200"
    lab = inventory.read(write(tmp_path, document))
    with pytest.raises(LabUsageError, match="too small for b"):
        inventory.settle(lab, network="10.213.8.0/28", environ={})


def test_written_inventory_reads_back_as_the_same_lab(tmp_path: Path) -> None:
    lab = inventory.read(SHIPPED)
    settings, moved = inventory.settle(lab, prefix="q", root=tmp_path, environ={})
    path = tmp_path / "hosts.yml"
    path.write_text(inventory.render(moved, settings), encoding="utf-8")
    again = inventory.read(path)
    assert (again.prefix, again.network, again.hosts) == ("q", settings.network, moved.hosts)
    assert again.document["all"]["vars"]["lab_state"] == str(tmp_path / "q")
    assert "10.213.80" not in path.read_text(encoding="utf-8")
    assert set(again.document["all"]["children"]) == set(lab.document["all"]["children"])
    assert not inventory.is_own(moved, settings)


def test_host_keys_are_always_checked() -> None:
    settings, _ = inventory.settle(inventory.read(SHIPPED), environ={})
    assert "StrictHostKeyChecking=yes" in inventory.ssh_args(settings)
    assert "StrictHostKeyChecking=yes" in SHIPPED.read_text(encoding="utf-8")


def test_addresses_are_written_once() -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    for host in inventory.read(SHIPPED).hosts:
        assert text.count(str(host.address)) == 1
        assert isinstance(host.address, IPv4Address)
