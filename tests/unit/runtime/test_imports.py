"""The modules that daemons load: a host has fifteen of these programs."""

from __future__ import annotations

import subprocess
import sys

import pytest
from malleposte.core.paths import ROOT


def loads(module: str, name: str) -> bool:
    """Whether a module of the package brings another one."""
    text = f"import sys, malleposte.{module}; print({name!r} in sys.modules)"
    words = [sys.executable, "-B", "-c", text]
    done = subprocess.run(words, env={"PYTHONPATH": str(ROOT / "cli")}, capture_output=True, text=True, check=True)
    return done.stdout == "True\n"


@pytest.mark.parametrize("module", ["daemons.hostd", "lists.daemon", "reports.daemon", "siem.daemon"])
def test_a_daemon_of_threads_loads_no_event_loop(module: str) -> None:
    assert not loads(module, "asyncio")


def test_a_daemon_with_an_event_loop_loads_it() -> None:
    assert loads("daemons.record", "asyncio")
