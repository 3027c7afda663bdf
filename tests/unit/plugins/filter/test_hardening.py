"""The sandbox of our units is written once."""

import shutil
import subprocess
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.filter.hardening import STRICTEST, hardening


def test_all_settings_are_there_in_a_fixed_order_and_refusals_have_a_line_of_their_own() -> None:
    lines = hardening({}).split("\n")
    assert {line.partition("=")[0] for line in lines} == set(STRICTEST)
    assert lines == sorted(lines)
    assert [line for line in lines if line.startswith("SystemCallFilter")] == [
        "SystemCallFilter=@system-service",
        "SystemCallFilter=~@privileged @resources",
    ]
    assert "CapabilityBoundingSet=" in lines


def test_what_a_unit_needs_is_said_and_the_rest_stays() -> None:
    loose = hardening({"ProtectHome": "read-only", "SystemCallFilter": "@system-service"}).split("\n")
    assert set(loose) ^ set(hardening({}).split("\n")) == {
        "ProtectHome=yes",
        "ProtectHome=read-only",
        "SystemCallFilter=~@privileged @resources",
    }


@pytest.mark.parametrize("given", [{"ProtectHomes": "yes"}, {"ExecStart": "/bin/sh"}, "ProtectHome=no", None])
def test_another_setting_is_refused(given: object) -> None:
    with pytest.raises(AnsibleFilterError, match=r"^hardening: "):
        hardening(given)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd reads it")
def test_systemd_understands_every_line(tmp_path: Path) -> None:
    def verified(lines: str) -> str:
        unit = tmp_path / "a.service"
        unit.write_text(f"[Unit]\nDescription=a\n[Service]\nType=oneshot\nExecStart=/bin/true\n{lines}\n")
        done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
        return done.stderr

    assert "a.service" not in verified(hardening({}))
    assert "a.service" in verified(hardening({}).replace("ProtectProc=invisible", "ProtectProc=hidden"))
