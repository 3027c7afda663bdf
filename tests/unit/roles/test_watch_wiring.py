"""The watch as inventories wire it: with vaults and without, and with a supervision of the region."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from malleposte.fleet.site import Site

from tests.support.inventories import copied, with_hosts

NAMES = (
    "prober_plan", "prober_minute", "postfix_confined", "accounts_watchers", "portal_state", "pager_state_user",
    "pager_watches", "watch_state_group", "watch_region_networks", "watch_region_ca", "nftables_rules",
    "__wiring_probers",
)  # fmt: skip
REGION = {"networks": ["192.0.2.128/25"], "ca": "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"}


def seen(folder: Path, host: str) -> dict[str, Any]:
    """The variables of a host, and its units by the manifest."""
    site = Site(folder)
    found = site.template(host, {name: f"{{{{ {name} }}}}" for name in NAMES})
    found["units"] = site.template(host, "{{ malleposte_services | academie.malleposte.manifest_units(group_names) }}")
    return dict(found)


def ports(found: dict[str, Any]) -> dict[int, list[str]]:
    return {int(one["port"]): one.get("sources", []) for one in found["nftables_rules"]}


def test_a_host_without_vaults_walks_the_probe_itself_with_accounts_that_write_to_each_other(tmp_path: Path) -> None:
    found = seen(copied(tmp_path / "mine"), "mail1")
    assert found["__wiring_probers"] == ["mail1"]
    accounts = found["prober_plan"]["accounts"]
    uids = [one["uid"] for one in accounts]
    assert uids == ["probe-mail1-1", "probe-mail1-2"]
    assert [one["uid"] for one in found["accounts_watchers"]] == uids
    assert all(one["networks"] == ["192.0.2.10"] for one in found["accounts_watchers"]), (
        "they open from this host alone"
    )
    assert found["postfix_confined"] == {uid: [one["mail"] for one in accounts] for uid in uids}
    assert "malleposte-probe.timer" in found["units"]
    assert (found["portal_state"], found["watch_state_group"]) == ("/var/lib/malleposte-state/state.json", "portal")
    assert (found["pager_state_user"], found["pager_watches"]) == ("", False)
    assert 9444 not in ports(found) and found["watch_region_networks"] == []
    assert "malleposte-watch.service" not in found["units"]


def test_with_vaults_they_walk_it_and_the_portal_asks_its_pager(tmp_path: Path) -> None:
    folder = with_hosts(copied(tmp_path / "mine"), "vault", vault1="192.0.2.20", vault2="192.0.2.21")
    portal, vault = seen(folder, "mail1"), seen(folder, "vault2")
    assert portal["__wiring_probers"] == ["vault1", "vault2"]
    assert "malleposte-probe.timer" not in portal["units"] and "malleposte-probe.timer" in vault["units"]
    assert (portal["portal_state"], portal["watch_state_group"]) == ("/run/malleposte-pager/state", "")
    assert (portal["pager_state_user"], portal["pager_watches"]) == ("portal", False)
    assert (vault["pager_state_user"], vault["pager_watches"]) == ("", True)
    assert [one["uid"] for one in vault["prober_plan"]["accounts"]] == ["probe-vault2-1", "probe-vault2-2"]
    assert vault["prober_minute"] == 7
    assert ports(vault)[9443] == ["192.0.2.20", "192.0.2.21"]
    assert 9444 not in ports(vault)


@pytest.mark.parametrize("vaults", [False, True])
def test_the_region_s_port_opens_to_its_networks_alone(tmp_path: Path, vaults: bool) -> None:
    folder = copied(tmp_path / "mine")
    if vaults:
        with_hosts(folder, "vault", vault1="192.0.2.20", vault2="192.0.2.21")
    facts = folder / "group_vars/malleposte/region.yml"
    facts.write_text(yaml.safe_dump({"malleposte_region_metrics": REGION}), "utf-8")
    found = seen(folder, "mail1")
    assert ports(found)[9444] == REGION["networks"]
    assert (9443 in ports(found)) is vaults
    assert found["watch_region_ca"] == REGION["ca"]
    assert "malleposte-watch.service" in found["units"]
    # An authority is needed as well: nobody enters by an address alone.
    facts.write_text(yaml.safe_dump({"malleposte_region_metrics": {**REGION, "ca": ""}}), "utf-8")
    assert 9444 not in ports(seen(folder, "mail1"))
