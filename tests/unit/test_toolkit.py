"""The command line as hosts have it: one file, always the same bytes, and it knows what it cannot do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.academie.malleposte.plugins.plugin_utils import toolkit
from malleposte import cli


@pytest.fixture
def hosted(tmp_path: Path) -> list[str]:
    path = tmp_path / "malleposte.pyz"
    path.write_bytes(toolkit.build())
    return [sys.executable, "-I", str(path)]


def test_the_same_sources_give_the_same_bytes() -> None:
    assert toolkit.build() == toolkit.build()


def test_links_are_followed() -> None:
    assert "malleposte/policy/rules.py" in dict(toolkit.sources())


def test_it_runs_alone(hosted: list[str]) -> None:
    done = subprocess.run([*hosted, "--help"], capture_output=True, text=True, check=True, cwd="/")
    assert "  backup " in done.stdout
    assert "  deploy " not in done.stdout


@pytest.mark.parametrize("name", sorted(set(cli.COMMANDS) - set(cli.ON_HOSTS)))
def test_a_command_of_the_controller_says_so(hosted: list[str], name: str) -> None:
    done = subprocess.run([*hosted, name], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    said = f"malleposte: '{name}' works on the controller only; type it there, in the checkout\n"
    assert done.stderr == said


@pytest.mark.parametrize("name", cli.ON_HOSTS)
def test_a_command_of_the_hosts_is_whole(hosted: list[str], name: str) -> None:
    done = subprocess.run([*hosted, name, "--help"], capture_output=True, text=True, check=True)
    assert "Example" in done.stdout
