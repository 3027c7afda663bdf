"""The twin of a lab: it stands on the frozen layers, with the same addresses and keys, in its own namespace."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from malleposte.dev.lab import HostSpec, Inventory, Lab, LabUsageError, Settings, Twin
from malleposte.dev.lab import state as states
from malleposte.dev.lab.machine import controller
from malleposte.dev.lab.state import HostState

from tests.unit.dev.lab.test_machine import Machine

NETWORK = IPv4Network("10.213.9.0/24")


@pytest.fixture
def first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A lab of one host with a snapshot, and what was written since."""
    monkeypatch.setattr(controller, "require_root", lambda: None)
    folder = tmp_path / "inventories"
    (folder / "secrets").mkdir(parents=True)
    (folder / "secrets/one").write_text("hidden")
    document = {"all": {"vars": {"lab_prefix": "mp", "lab_network": str(NETWORK)}}}
    spec = HostSpec("mail1", IPv4Address("10.213.9.11"), "mail1.ac-exemple.test", 10, ())
    known = Inventory(folder / "hosts.yml", "mp", NETWORK, (spec,), document)
    lab = Lab(Settings("mp", NETWORK, tmp_path / "labs"), known, run=Machine())
    (lab.settings.hosts / "mail1").mkdir(parents=True)
    stood = replace(HostState.new("10.213.9.11", "/base"), provisioned=True).frozen("converged", 1.0)
    states.save(lab.settings.hosts / "mail1/state.json", stood)
    lab.settings.ssh.mkdir()
    for name in ("id_ed25519", "cm-root@10.213.9.11:22"):
        (lab.settings.ssh / name).write_text(name)
    lab.settings.inventory.mkdir()
    (lab.settings.inventory / "secrets").mkdir()
    (lab.settings.inventory / "secrets/one").write_text("hidden")
    return lab


def test_it_stands_on_the_snapshot_and_writes_elsewhere(first: Lab) -> None:
    twin = Twin(first)
    twin.make("converged")
    folder = twin.settings.hosts / "mail1"
    own = states.load(folder / "state.json")
    assert own is not None
    assert (own.address, own.lowers, own.provisioned) == ("10.213.9.11", ("1",), True)
    assert own.upper not in own.lowers
    assert (folder / "layers/1").readlink() == first.settings.hosts / "mail1/layers/1"
    assert (twin.settings.inventory / "secrets/one").read_text() == "hidden"
    assert sorted(path.name for path in twin.settings.ssh.iterdir()) == ["id_ed25519"]
    calls = first.run.calls  # type: ignore[attr-defined]
    assert f"ip netns add {twin.namespace}" in calls
    assert twin.env == {"MALLEPOSTE_LAB_PREFIX": "mpt", "MALLEPOSTE_LAB_NETWORK": str(NETWORK)}
    assert twin.enter == ("nsenter", f"--net=/run/netns/{twin.namespace}")


def test_it_is_refused_without_the_snapshot(first: Lab) -> None:
    with pytest.raises(LabUsageError, match="no snapshot other on mail1"):
        Twin(first).make("other")


def test_a_lab_of_its_name_is_not_replaced_and_an_older_twin_is(first: Lab) -> None:
    twin = Twin(first)
    twin.make("converged")
    twin.make("converged")
    twin.remove()
    theirs = twin.settings.hosts / "mail1/layers/1"
    theirs.mkdir(parents=True)
    with pytest.raises(LabUsageError, match="the lab mpt stands"):
        twin.make("converged")
    assert theirs.is_dir()


def test_its_end_leaves_the_first_lab_alone(first: Lab) -> None:
    twin = Twin(first)
    twin.make("converged")
    twin.remove()
    assert not twin.settings.state.exists()
    assert (first.settings.hosts / "mail1/state.json").is_file()
