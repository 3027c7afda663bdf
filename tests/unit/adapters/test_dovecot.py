"""doveadm names the host as Dovecot's daemons do; Dovecot forgets every name, however many there are."""

from pathlib import Path

import pytest
from malleposte.adapters import dovecot
from malleposte.core.errors import MallepostError

AUTH = """#!/bin/sh
shift 3
[ "$(echo "$*" | wc -c)" -lt 1015 ] && [ ! -e DOWN ] || {
    echo "Error: auth-master: auth cache flush: Disconnected unexpectedly" >&2
    exit 0
}
echo "$*" >> FORGOTTEN
"""
"""doveadm 2.4.1 with an auth that hangs up at long lines, or is down: its exit code is 0."""


def test_doveadm_has_the_name_of_this_boot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dovecot, "ENVIRONMENT", tmp_path / "hostname.env")
    program = tmp_path / "doveadm"
    program.write_text('#!/bin/sh\necho "${DOVECOT_HOSTNAME-none}"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert dovecot.doveadm("who").stdout == "none\n"
    dovecot.ENVIRONMENT.write_text("DOVECOT_HOSTNAME=mail1-1a2b3c4d\n")
    assert dovecot.doveadm("who").stdout == "mail1-1a2b3c4d\n"


@pytest.fixture
def forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the names that auth has forgotten, a line a request."""
    program, path = tmp_path / "doveadm", tmp_path / "forgotten"
    program.write_text(AUTH.replace("FORGOTTEN", str(path)).replace("DOWN", str(tmp_path / "down")))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return path


def test_auth_forgets_every_name_of_many_in_requests_that_it_reads(forgotten: Path) -> None:
    names = [f"agent{number}@ac-exemple.test" for number in range(200)] + ["agent0@ac-exemple.test"]
    dovecot.forget(names)
    lines = forgotten.read_text().splitlines()
    assert " ".join(lines).split() == names[:-1]
    assert len(lines) > 1


def test_no_names_are_one_request_for_all(forgotten: Path) -> None:
    dovecot.forget()
    assert forgotten.read_text() == "\n"


def test_a_request_that_auth_does_not_answer_is_a_failure(forgotten: Path, tmp_path: Path) -> None:
    dovecot.forget(["agent"])
    (tmp_path / "down").touch()
    with pytest.raises(MallepostError, match="Disconnected unexpectedly"):
        dovecot.forget(["agent"])
    with pytest.raises(MallepostError, match="Disconnected unexpectedly"):
        dovecot.forget()
    dovecot.forget(["agent"], check=False)
