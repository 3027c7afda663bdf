"""The firewall closes undeclared ports; other programs' tables outlive its reload and its restart."""

from collections.abc import Callable
from typing import Any

import pytest
from testinfra.host import Host

from tests.stack.support.reach import reaches
from tests.stack.support.site import Site

REFUSED_PORT = 3310
"""A port that no service of the platform has."""


@pytest.fixture
def listener(mail1: Host) -> Any:
    """Something that listens on a port the manifest does not open."""
    unit = "malleposte-test-listener"
    mail1.check_output(
        f"systemd-run --quiet --collect --unit={unit} python3 -m http.server {REFUSED_PORT} --bind 0.0.0.0"
    )
    yield REFUSED_PORT
    mail1.run(f"systemctl stop {unit}")


def test_what_listens_without_being_in_the_manifest_is_closed(
    site: Site, mail1: Host, world: Host, listener: int, wait_for: Callable[..., Any]
) -> None:
    wait_for(lambda: reaches(mail1, "127.0.0.1", listener))
    assert not reaches(world, site.address("mail1"), listener)


@pytest.mark.parametrize("verb", ["reload", "restart"])
def test_bans_of_others_outlive_it(mail1: Host, verb: str) -> None:
    mail1.check_output("nft add table inet malleposte_test_bans")
    try:
        mail1.check_output(f"systemctl {verb} nftables")
        tables = mail1.check_output("nft list tables").splitlines()
        assert "table inet malleposte_test_bans" in tables
        assert "table inet malleposte" in tables
    finally:
        mail1.run("nft delete table inet malleposte_test_bans")
