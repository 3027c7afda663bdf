"""Open ports as rules."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.academie.malleposte.plugins.module_utils.nftrules import RuleError, admits, rule_lines


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
        ({"name": "x", "port": 25, "sources": ["10.0.0.0/33"]}, "firewall rule x: '10.0.0.0/33'"),
    ],
)
def test_a_rule_that_cannot_be_right_is_named(rule: dict[str, Any], message: str) -> None:
    with pytest.raises(RuleError, match=message):
        rule_lines([rule])


@pytest.mark.parametrize(
    ("address", "inside"),
    [("192.0.2.7", True), ("192.0.3.7", False), ("::ffff:192.0.2.7", True), ("2001:db8::1", False), ("", True)],
)
def test_admits(address: str, inside: bool) -> None:
    assert admits(["192.0.2.0/24"], address) is inside
