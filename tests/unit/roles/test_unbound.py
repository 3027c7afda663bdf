"""Zones that the resolver asks of servers of the academy's own, below names that unbound answers itself."""

from __future__ import annotations

import re
from pathlib import Path

from tests.unit.roles.test_reports import Facts, Host, given

ZONES = ("x.test", "5.168.192.in-addr.arpa", "test", "ac-exemple.fr")


def test_a_zone_of_the_academy_is_asked_for_below_a_special_name_too(tmp_path: Path) -> None:
    """With `nodefault`, unbound gives up its own answer for exactly that zone, and says NXDOMAIN below `test.`."""

    def edit(facts: Facts) -> None:
        stubs = [{"zone": zone, "addresses": ["192.0.2.53"]} for zone in ZONES]
        facts["malleposte_dns"] = {"stub_zones": stubs}

    text = Host(given(tmp_path / "inventory", edit, ["unbound"])).file("unbound", "unbound/unbound.conf")
    assert re.findall(r'^    local-zone: "(\S+)" (\w+)$', text, re.MULTILINE) == [
        (zone, "transparent") for zone in ZONES
    ]
    assert re.findall(r'^    name: "(\S+)"\n    stub-addr: 192\.0\.2\.53$', text, re.MULTILINE) == list(ZONES)
    without = Host(given(tmp_path / "none", roles=["unbound"])).file("unbound", "unbound/unbound.conf")
    assert "local-zone" not in without
