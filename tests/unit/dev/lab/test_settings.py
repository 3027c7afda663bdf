"""Names and places of a lab."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from malleposte.core.paths import labs
from malleposte.dev.lab import LabUsageError, Settings
from malleposte.dev.lab.settings import check_prefix, derived_network


@pytest.mark.parametrize("prefix", ["m", "mp", "h1", "abcdefgh"])
def test_good_prefix(prefix: str) -> None:
    assert check_prefix(prefix) == prefix


@pytest.mark.parametrize("prefix", ["", "1a", "Mp", "abcdefghi", "a-b", "a/b", "..", "mp\n"])
def test_bad_prefix_is_refused(prefix: str) -> None:
    with pytest.raises(LabUsageError, match="bad lab prefix"):
        check_prefix(prefix)


def test_derived_network_is_stable_and_ours() -> None:
    networks = {derived_network(f"p{number}") for number in range(50)}
    assert derived_network("h1") == derived_network("h1")
    assert len(networks) > 30
    assert all(network.subnet_of(IPv4Network("10.213.0.0/16")) for network in networks)
    assert all(network.prefixlen == 24 for network in networks)


def test_every_name_bears_the_prefix() -> None:
    settings = Settings("h1", IPv4Network("10.213.81.0/24"), Path("/x"))
    assert settings.bridge == "h1-br0"
    assert settings.table == "malleposte_h1"
    assert settings.machine("mail1") == "h1-mail1"
    assert settings.state == Path("/x/h1")
    assert settings.gateway == IPv4Address("10.213.81.1")


def test_longest_prefix_still_names_a_bridge() -> None:
    # IFNAMSIZ holds fifteen characters.
    assert len(Settings("abcdefgh", IPv4Network("10.213.81.0/24")).bridge) <= 15


def test_longest_control_socket_fits() -> None:
    pattern = Settings("abcdefgh", IPv4Network("10.213.81.0/24")).control_path
    longest = pattern.replace("%r", "root").replace("%h", "255.255.255.255").replace("%p", "22")
    # sun_path holds 108 bytes; ssh adds a dot, sixteen characters and a null while it binds.
    assert len(longest) + 18 <= 108


def test_directory_comes_from_the_environment() -> None:
    assert labs({}) == Path("/var/lib/malleposte/lab")
    assert labs({"MALLEPOSTE_LAB_DIR": "/srv/labs"}) == Path("/srv/labs")
    assert labs({"MALLEPOSTE_LAB_DIR": ""}) == Path("/var/lib/malleposte/lab")
