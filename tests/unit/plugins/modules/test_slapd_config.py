"""The module that configures slapd starts its unit by the files that the unit has now."""

import time
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from plugins.modules import slapd_config

HOUR = 3600


class Module:
    """An AnsibleModule as far as the class needs one: its parameters, and programs that succeed."""

    def __init__(self) -> None:
        self.params = {"config_directory": "/etc/ldap/slapd.d", "service": "slapd.service", "uri": "ldapi:///"}
        self.ran: list[str] = []

    def run_command(self, argv: list[str], **_options: Any) -> tuple[int, bytes, bytes]:
        self.ran.append(" ".join(argv))
        return 0, b"", b""


@pytest.mark.parametrize(("read", "reads_again"), [(HOUR, False), (-HOUR, True)])
def test_files_younger_than_what_systemd_has_read_are_read_before_slapd_starts(
    read: int, reads_again: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "slapd.service.d"
    folder.mkdir()
    (folder / "malleposte.conf").write_text("[Service]\n")
    stamp = datetime.fromtimestamp(time.time() + read, UTC).strftime("%a %Y-%m-%d %H:%M:%S.%f UTC")

    def run(argv: list[str], **_options: Any) -> CompletedProcess[str]:
        told = f"UnitsLoadTimestamp={stamp}\n" if "--timestamp=us+utc" in argv else "NeedDaemonReload=no\n"
        return CompletedProcess(argv, 0, told, "")

    monkeypatch.setitem(slapd_config.stale.__globals__, "UNITS", str(tmp_path))
    monkeypatch.setattr("subprocess.run", run)
    module = Module()
    assert slapd_config.Slapd(module).start()  # type: ignore[arg-type]
    verbs = [line.split()[1] for line in module.ran if line.startswith("systemctl")]
    assert verbs == (["daemon-reload"] if reads_again else []) + ["reset-failed", "start"]
