"""journal_purge, run as Ansible runs it, over text logs; the journals themselves are proved on real hosts."""

import gzip
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.modules import ROOT, run_module

PATTERN = yaml.safe_load((ROOT / "roles/base/vars/main.yml").read_text("utf-8"))["__base_logged_secrets"]
NAME = "ansible-academie.malleposte.config_set"
LEAKED = (
    f"Nov 25 mail1 {NAME}: Invoked with files=[{{'dest': '/x', 'content': 'password = hunter2hunter2'}}] units=[]\n"
)
OTHERS = (
    "Nov 25 mail1 postfix/smtpd[12]: connect from world\n"
    f"Nov 25 mail1 {NAME}: Invoked with files=[] absent=['/etc/y']\n"
    f"Nov 25 mail1 {NAME}: Invoked with files=[{{'dest': '/etc/x'}}] contents=NOT_LOGGING_PARAMETER\n"
    "Nov 25 mail1 another: Invoked with files=[{'content': 'no business of ours'}]\n"
)

pytestmark = pytest.mark.skipif(shutil.which("journalctl") is None, reason="journalctl is not here")


def purge(folder: Path, check: bool = False) -> dict[str, Any]:
    return run_module(
        "journal_purge",
        check,
        identifiers=[NAME],
        pattern=PATTERN,
        journals=[str(folder / "journal")],
        logs=[str(folder / "syslog*")],
        advice="rotate them",
    )


def test_the_lines_alone_go_and_a_second_run_finds_nothing(tmp_path: Path) -> None:
    log, old = tmp_path / "syslog", tmp_path / "syslog.2.gz"
    log.write_text(OTHERS + LEAKED + OTHERS)
    old.write_bytes(gzip.compress((LEAKED + OTHERS).encode()))
    assert purge(tmp_path, check=True)["cleaned"] == [str(log), str(old)]
    assert "hunter2" in log.read_text()
    result = purge(tmp_path)
    assert (result["changed"], result["cleaned"], result["removed"]) == (True, [str(log), str(old)], [])
    assert "rotate them" in str(result["warnings"])
    assert log.read_text() == OTHERS * 2
    assert gzip.decompress(old.read_bytes()).decode() == OTHERS
    again = purge(tmp_path)
    assert (again["changed"], again.get("warnings", [])) == (False, [])


def test_slapds_configuration_is_known_too(tmp_path: Path) -> None:
    log = tmp_path / "syslog"
    log.write_text(f"Nov 25 mail1 {NAME}: Invoked with content=#012dn: cn=config suffix=dc=x\n")
    assert purge(tmp_path)["changed"]
    log.write_text(f"Nov 25 mail1 {NAME}: Invoked with content=NOT_LOGGING_PARAMETER suffix=dc=x\n")
    assert not purge(tmp_path)["changed"]
