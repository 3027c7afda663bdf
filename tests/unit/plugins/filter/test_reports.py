"""Filters of the role reports."""

import pytest
from ansible_collections.academie.malleposte.plugins.filter import reports

DOMAIN = "ac-exemple.test"
OTHERS = [f"dsi@{DOMAIN}", f"assistance@{DOMAIN}", ""]


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ([f"dmarc@{DOMAIN}", f"dmarc@{DOMAIN}"], [f"dmarc@{DOMAIN}"]),
        ([f"dmarc@{DOMAIN}", f"TLS@{DOMAIN.upper()}"], [f"dmarc@{DOMAIN}", f"TLS@{DOMAIN.upper()}"]),
        ([f"dmarc@{DOMAIN}", ""], [f"dmarc@{DOMAIN}"]),
        (["rapports@region.test", f"dmarc@sub.{DOMAIN}"], []),
        ([f"DSI@{DOMAIN}", f"assistance+dmarc@{DOMAIN}", f"postmaster@{DOMAIN}"], []),
    ],
)
def test_addresses_of_the_own_domain_are_read_unless_a_person_reads_them(asked: list[str], read: list[str]) -> None:
    assert reports.reports_addresses(asked, DOMAIN, OTHERS, ["root", "postmaster"]) == read


def test_hosts_have_their_addresses_by_short_name() -> None:
    given = {"pia1.lab": "192.0.2.2", "mail1": ["192.0.2.1", "2001:db8::1"]}
    assert reports.reports_hosts(given) == {"mail1": ["192.0.2.1", "2001:db8::1"], "pia1": ["192.0.2.2"]}
