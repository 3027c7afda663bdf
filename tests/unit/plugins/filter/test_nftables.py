"""Open ports as rules."""

from typing import Any

import pytest
from ansible_collections.academie.malleposte.plugins.module_utils.nftrules import (
    RuleError,
    admits,
    rule_lines,
    set_lines,
)


def test_no_sources_means_anyone() -> None:
    assert rule_lines([{"name": "smtp", "port": 25}]) == ['tcp dport 25 accept comment "smtp"']


def test_one_line_for_each_family() -> None:
    rule = {"name": "ldaps", "port": 636, "proto": "tcp", "sources": ["10.0.0.0/8", "2001:db8::/32"]}
    assert rule_lines([rule]) == [
        'ip saddr { 10.0.0.0/8 } tcp dport 636 accept comment "ldaps"',
        'ip6 saddr { 2001:db8::/32 } tcp dport 636 accept comment "ldaps"',
    ]


def test_overlapping_networks_are_joined() -> None:
    rule = {"name": "a", "port": 1, "sources": ["10.1.2.3", "10.0.0.0/8", "10.1.0.0/16"]}
    assert rule_lines([rule]) == ['ip saddr { 10.0.0.0/8 } tcp dport 1 accept comment "a"']


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"name": "x", "port": 0}, "port 0 is not between"),
        ({"name": "x", "port": 65536}, "port 65536"),
        ({"name": "x", "port": True}, "port True"),
        ({"name": "x", "port": 25, "proto": "icmp"}, "protocol 'icmp'"),
        ({"name": 'x"; flush', "port": 25}, "a name is"),
        ({"name": "x", "port": 25, "connections": 0}, "connections 0 is not between"),
        ({"name": "x", "port": 25, "connections": "all"}, "connections 'all' is not between"),
        ({"name": "x", "port": 25, "connections": 5, "proto": "udp"}, "connections is for a TCP"),
        ({"name": "x", "port": 25, "connections": 5, "sources": ["192.0.2.0/24"]}, "connections is for a TCP port"),
        ({"name": "x", "port": 25, "school_connections": 5}, "school_connections needs connections"),
        ({"name": "x", "port": 25, "sources": ["10.0.0.0/33"]}, "firewall rule x: '10.0.0.0/33'"),
    ],
)
def test_a_rule_that_cannot_be_right_is_named(rule: dict[str, Any], message: str) -> None:
    with pytest.raises(RuleError, match=message):
        rule_lines([rule])


COUNTED = {"name": "imaps", "port": 993, "connections": 30, "school_connections": 300}
IP, IP6 = "ip saddr", "ip6 saddr and ffff:ffff:ffff:ffff::"
RESET = "reject with tcp reset"


def test_connections_are_counted_by_address_and_by_64_of_ipv6() -> None:
    rule = {"name": "smtp", "port": 25, "connections": 50}
    assert rule_lines([rule], schools=["192.0.2.0/24"]) == [
        f"tcp dport 25 add @held_25_ip_any {{ {IP} ct count over 50 }} {RESET}",
        f"tcp dport 25 add @held_25_ip6_any {{ {IP6} ct count over 50 }} {RESET}",
        'tcp dport 25 accept comment "smtp"',
    ]
    assert [line.split()[1] for line in set_lines([rule])] == ["held_25_ip_any", "held_25_ip6_any"]


def test_a_school_has_a_count_of_its_own_and_the_platform_none() -> None:
    accept = 'tcp dport 993 accept comment "imaps"'
    assert rule_lines([COUNTED], schools=["192.0.2.0/24", "2001:db8::/48"], uncounted=["198.51.100.1"]) == [
        f"ip saddr {{ 198.51.100.1/32 }} {accept}",
        f"ip saddr {{ 192.0.2.0/24 }} tcp dport 993 add @held_993_ip_school {{ {IP} ct count over 300 }} {RESET}",
        f"ip saddr {{ 192.0.2.0/24 }} {accept}",
        f"ip6 saddr {{ 2001:db8::/48 }} tcp dport 993 add @held_993_ip6_school {{ {IP6} ct count over 300 }} {RESET}",
        f"ip6 saddr {{ 2001:db8::/48 }} {accept}",
        f"tcp dport 993 add @held_993_ip_any {{ {IP} ct count over 30 }} {RESET}",
        f"tcp dport 993 add @held_993_ip6_any {{ {IP6} ct count over 30 }} {RESET}",
        accept,
    ]


def test_every_set_that_is_counted_in_is_there() -> None:
    rules = [COUNTED, {"name": "smtp", "port": 25, "connections": 50}, {"name": "ldaps", "port": 636}]
    lines = rule_lines(rules, schools=["192.0.2.0/24", "2001:db8::/48"])
    used = {line.partition("@")[2].split()[0] for line in lines if "@" in line}
    assert used == {line.split()[1] for line in set_lines(rules)}


@pytest.mark.parametrize(
    ("address", "inside"),
    [("192.0.2.7", True), ("192.0.3.7", False), ("::ffff:192.0.2.7", True), ("2001:db8::1", False), ("", True)],
)
def test_admits(address: str, inside: bool) -> None:
    assert admits(["192.0.2.0/24"], address) is inside
