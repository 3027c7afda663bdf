"""The processes of services that stand on one host with the mail, and of those that have hosts of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
from malleposte.fleet.site import Site

from tests.support.inventories import copied


@pytest.mark.parametrize(
    ("inventory", "host", "workers"), [("standalone", "mail1", 6), ("fleet", "pia1", 12), ("lab", "pia1", 12)]
)
def test_the_log_in_page_has_half_of_its_processes_beside_the_mail(
    tmp_path: Path, inventory: str, host: str, workers: int
) -> None:
    assert Site(copied(tmp_path / "mine", inventory)).template(host, "{{ lemonldap_workers }}") == workers
