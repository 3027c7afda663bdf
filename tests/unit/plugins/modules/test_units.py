"""A daemon that stopped fails the deployment, with its name and its last message."""

import time
from pathlib import Path

import pytest

from tests.support.modules import run_module

STATES = {"good.service": "active", "dead.service": "failed", "sleeps.service": "inactive", "sleeps.socket": "active",
          "gone.service": "inactive"}  # fmt: skip


@pytest.fixture
def host(tmp_path: Path) -> str:
    """Python that lets the module ask this test instead of systemd."""
    return f"""
import subprocess
states = {STATES!r}
def run(argv, **_more):
    if 'systemctl' in argv[0]:
        names = argv[argv.index('--') + 1:]
        loads = ['loaded' if name in states else 'not-found' for name in names]
        out = '\\n\\n'.join(f'LoadState={{load}}\\nActiveState={{states.get(name, "inactive")}}'
                          for name, load in zip(names, loads)) + '\\n'
    else:
        out = 'cannot bind: address in use\\n'
    return subprocess.CompletedProcess(argv, 0, out, '')
subprocess.run = run
"""


def test_units_that_run_or_rest_behind_their_socket_are_well(host: str) -> None:
    found = run_module("units", before=host, name=["good.service", "sleeps.service", "sleeps.socket"])
    assert (found.get("failed", False), found["changed"], found["dead"]) == (False, False, [])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("dead.service", "dead.service is failed: cannot bind: address in use"),
        ("gone.service", "gone.service is inactive: cannot bind"),
        ("never.service", "never.service is not-found"),
    ],
)
def test_a_unit_that_died_fails_by_name_with_its_last_line(host: str, name: str, said: str) -> None:
    found = run_module("units", before=host, name=["good.service", name])
    assert found["failed"]
    assert said in found["msg"]
    assert "good.service" not in found["msg"]


def test_a_rehearsal_forgives_what_is_not_there_yet_alone(host: str) -> None:
    assert not run_module("units", before=host, check=True, name=["never.service"]).get("failed")
    assert run_module("units", before=host, check=True, name=["dead.service"])["failed"]


def restarted(seconds: float, times: int) -> str:
    """A host whose one unit runs for some seconds, after some restarts by systemd."""
    began = int((time.monotonic() - seconds) * 1e6)
    return f"""
import subprocess
def run(argv, **_more):
    shown = 'LoadState=loaded\\nActiveState=active\\nNRestarts={times}\\nActiveEnterTimestampMonotonic={began}\\n'
    return subprocess.CompletedProcess(argv, 0, shown if 'systemctl' in argv[0] else 'cannot bind', '')
subprocess.run = run
"""


def test_one_that_dies_and_is_started_again_and_again_is_not_active() -> None:
    """Between two deaths systemd calls it active."""
    found = run_module("units", before=restarted(1, 7), name=["flaps.service"], patience=0)
    assert (found["failed"], found["msg"]) == (True, "flaps.service is restarting: cannot bind")
    assert run_module("units", before=restarted(3600, 7), name=["flaps.service"], patience=0)["dead"] == []
    assert run_module("units", before=restarted(1, 0), name=["new.service"], patience=0)["dead"] == []
    assert run_module("units", before=restarted(1, 7), name=["flaps.service"])["dead"] == [], "it is waited for"
