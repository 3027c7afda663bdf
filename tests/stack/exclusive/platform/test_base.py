"""No unit of any host has failed."""

from collections.abc import Callable
from typing import Any

import pytest
from testinfra.host import Host

HOSTS = ("mail1", "pia1", "vault1", "vault2", "world")


@pytest.mark.parametrize("name", HOSTS)
def test_no_unit_stays_failed(host: Callable[[str], Host], name: str, wait_for: Callable[..., Any]) -> None:
    wait_for(lambda: host(name).check_output("systemctl --failed --plain --no-legend") == "")
