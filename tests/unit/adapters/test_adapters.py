"""The programs of Dovecot and PostgreSQL, as stand-ins on the path that record their calls; locks on files."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from malleposte.adapters import dovecot, postgresql
from malleposte.core.errors import MallepostError
from malleposte.platform import locks

from tests.support.programs import executable

Program = Callable[[str, str], Path]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Makes a shell script a program; the file that its calls are noted in, a line a call."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(postgresql, "psql", lambda: "psql")

    def made(name: str, text: str) -> Path:
        called = tmp_path / f"{name}.called"
        executable(tmp_path / name, f'echo "$*" >>{called}\n{text}')
        return called

    return made


@pytest.fixture
def session() -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts processes that stand for sessions."""
    begun: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        begun.append(subprocess.Popen(["sleep", "1000"]))
        return begun[-1]

    yield start
    for one in begun:
        one.kill()
        one.wait()


def test_a_device_s_sessions_end_and_the_others_go_on(
    program: Program, session: Callable[[], subprocess.Popen[bytes]]
) -> None:
    lost, kept, own = session(), session(), session()
    rows = "username\\tservice\\tpid\\tip\\tdest_ip\\tuser_device\\n"
    for one, device in ((lost, "abcdefgh"), (kept, "zzzzzzzz"), (own, "")):
        rows += f"anne\\timap\\t{one.pid}\\t192.0.2.1\\t\\t{device}\\n"
    called = program("doveadm", f'case "$*" in *who*) printf "{rows}";; esac')
    dovecot.kick("anne", device="abcdefgh")
    assert lost.wait(60) == -signal.SIGTERM
    assert kept.poll() is None and own.poll() is None
    assert called.read_text().splitlines() == ["kick -f user_device abcdefgh", "-f tab who -1 anne"]


def test_a_kick_ends_the_session_that_dovecot_leaves(
    program: Program, session: Callable[[], subprocess.Popen[bytes]]
) -> None:
    left, other = session(), session()
    rows = f"username\\tservice\\tpid\\nanne\\timap\\t{left.pid}\\nannette\\timap\\t{other.pid}\\n"
    called = program("doveadm", f'case "$*" in kick*) exit 68;; *who*) printf "{rows}";; esac')
    dovecot.kick("anne")
    assert left.wait(60) == -signal.SIGTERM
    assert other.poll() is None
    assert called.read_text().splitlines() == ["kick anne", "-f tab who -1 anne"]


def test_what_doveadm_refuses_is_said(program: Program) -> None:
    program("doveadm", 'echo "Error: a" >&2; echo "Fatal: no such user" >&2; exit 67')
    with pytest.raises(MallepostError, match="doveadm kick: Fatal: no such user; look at"):
        dovecot.kick("anne")
    assert dovecot.doveadm("who", check=False).returncode == 67
    assert dovecot.doveadm("who", also=(67,)).returncode == 67


def test_every_name_is_forgotten_once(program: Program) -> None:
    called = program("doveadm", "exit 0")
    dovecot.forget(["anne", "anne@a.test", "anne"])
    assert called.read_text() == "auth cache flush anne anne@a.test\n"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            '[{"root":"B","type":"STORAGE","value":"102400","limit":"2560000"},{"type":"MESSAGE","value":"7"}]',
            (100, 2500),
        ),
        ('[{"root":"B","type":"STORAGE","value":"2048","limit":"-"}]', (2, 0)),
        ("[]", (0, 0)),
    ],
)
def test_the_room_of_a_box(program: Program, rows: str, expected: tuple[int, int]) -> None:
    called = program("doveadm", f"echo '{rows}'")
    assert dovecot.room("anne") == expected
    assert called.read_text() == "-f json quota get -u anne\n"


def test_where_dovecot_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    dovecot.forget(check=False)
    assert dovecot.sessions("anne") == 0
    with pytest.raises(MallepostError, match="doveadm auth: is not on this host"):
        dovecot.forget()


def test_sql_is_in_no_argument(program: Program) -> None:
    called = program("psql", "cat")
    assert postgresql.sql("sogo", "SELECT 'secret';") == "SELECT 'secret';"
    assert called.read_text() == "-XqAt -v ON_ERROR_STOP=1 -f - -d sogo -U postgres\n"


def test_sql_as_oneself(program: Program) -> None:
    called = program("psql", "cat >/dev/null")
    assert postgresql.sql("sogo", "SELECT 1;", user="") == ""
    assert called.read_text() == "-XqAt -v ON_ERROR_STOP=1 -f - -d sogo\n"


def test_what_postgresql_refuses_is_said(program: Program) -> None:
    program("psql", 'echo "psql: ERROR:  no table a" >&2; echo "LINE 1" >&2; exit 3')
    with pytest.raises(MallepostError, match="database sogo: psql: ERROR: no table a"):
        postgresql.sql("sogo", "SELECT 1;")
    program("psql", "exec sleep 1000")
    with pytest.raises(MallepostError, match="database sogo: no answer in 1 s"):
        postgresql.sql("sogo", "SELECT 1;", timeout=1)


def test_a_dump_is_read_from_its_file(program: Program, tmp_path: Path) -> None:
    program("pg_restore", "cat")
    (tmp_path / "dump").write_bytes(b"rows")
    with (tmp_path / "dump").open("rb") as stream:
        assert postgresql.program(["pg_restore", "-d", "sogo"], stream) == "rows"


def test_a_lock_names_its_holder_and_goes_with_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with (
        locks.only_one(path, "another is under way"),
        pytest.raises(MallepostError, match=rf"^another is under way \(process {os.getpid()}\); wait for its end$"),
        locks.only_one(path, "another is under way"),
    ):
        pass
    with locks.only_one(path, "another is under way"):
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_shared_lock_meets_no_other_sharer(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locks.waited(path, shared=True), locks.waited(path, shared=True), path.open() as file:
        assert locks.take(file, shared=True)
        assert not locks.take(file)
    with path.open() as file:
        assert locks.take(file)
