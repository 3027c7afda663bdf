"""The web front comes back after a crash."""

from __future__ import annotations

from typing import Any

from tests.stack.support.mail import wait_for


def test_it_comes_back_after_a_crash(host: Any) -> None:
    machine = host("pia1")
    machine.check_output("systemctl kill --signal=KILL nginx.service")
    wait_for(lambda: machine.run("systemctl is-active nginx.service").stdout.strip() == "active", 30, "nginx is back")
    machine.run("systemctl reset-failed nginx.service")
