"""doveadm names the host as Dovecot's daemons do, so that each knows the other's lock files."""

from pathlib import Path

import pytest
from malleposte.adapters import dovecot


def test_doveadm_has_the_name_of_this_boot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dovecot, "ENVIRONMENT", tmp_path / "hostname.env")
    program = tmp_path / "doveadm"
    program.write_text('#!/bin/sh\necho "${DOVECOT_HOSTNAME-none}"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert dovecot.doveadm("who").stdout == "none\n"
    dovecot.ENVIRONMENT.write_text("DOVECOT_HOSTNAME=mail1-1a2b3c4d\n")
    assert dovecot.doveadm("who").stdout == "mail1-1a2b3c4d\n"
