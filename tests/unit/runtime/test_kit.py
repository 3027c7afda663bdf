"""The daemons' common kit: sockets of systemd, signs of life, one line for faults that can be cured."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from malleposte.core.errors import InputError
from malleposte.runtime import kit

NAMES = "import sys\nfrom malleposte.runtime import kit\nprint(*(one.getsockname() for one in kit.handed()))\n"


def started(count: int, pid: str, *given: socket.socket) -> subprocess.CompletedProcess[str]:
    """A process to which systemd would have handed these sockets."""
    moves = " ".join(f"{number}<&{one.fileno()}" for number, one in enumerate(given, 3))
    script = f'LISTEN_FDS={count} LISTEN_PID={pid} exec "$0" -c "$1" {moves}'
    environment = {**os.environ, "PYTHONPATH": str(Path(kit.__file__).parents[2])}
    words = ["bash", "-c", script, sys.executable, NAMES]
    descriptors = [one.fileno() for one in given]
    return subprocess.run(words, pass_fds=descriptors, env=environment, capture_output=True, text=True, check=False)


def test_sockets_are_those_that_were_handed_to_this_process(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one, socket.socket(socket.AF_UNIX) as two:
        one.bind(str(tmp_path / "one"))
        two.bind(str(tmp_path / "two"))
        done = started(2, "$$", one, two)
        assert done.stdout.split() == [str(tmp_path / "one"), str(tmp_path / "two")], done.stderr
        other = started(2, "1", one, two)
    assert "no socket was handed over" in other.stderr
    assert other.stdout == ""


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_is_told_that_it_is_ready_and_then_that_it_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool
) -> None:
    name = f"@malleposte-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    monkeypatch.setenv("WATCHDOG_USEC", "20000")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(name.replace("@", "\0"))
        systemd.settimeout(60)

        async def listen() -> list[bytes]:
            beating = asyncio.create_task(kit.alive())
            found = [await asyncio.to_thread(systemd.recv, 64) for _ in range(4)]
            beating.cancel()
            return found

        assert asyncio.run(listen()) == [b"READY=1", *[b"WATCHDOG=1"] * 3]


def test_without_a_watchdog_nothing_is_told_after_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(kit, "tell", told.append)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)

    async def wait() -> None:
        await asyncio.wait_for(kit.alive(), 0.05)

    with pytest.raises(TimeoutError):
        asyncio.run(wait())
    assert told == ["READY=1"]


def test_what_can_be_cured_is_one_line_and_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    async def refused() -> None:
        raise InputError("no socket", "start the unit")

    async def served() -> None:
        return None

    assert kit.run(refused()) == 2
    assert capsys.readouterr().err == "<3>no socket; start the unit\n"
    assert kit.run(served()) == 0
    assert capsys.readouterr().err == ""


def begun(*words: str, serves: Callable[[int], int] = lambda number: 0) -> int:
    """The exit code of a daemon whose settings are a number in a file."""
    return kit.start(words, "counter", "Counts.\n\nMore.", lambda path: int(path.read_text()), serves)


def test_a_daemon_reads_its_settings_and_serves(tmp_path: Path) -> None:
    path, served = tmp_path / "settings", list[int]()
    path.write_text("3")

    def serve(number: int) -> int:
        served.append(number)
        return 7

    assert begun(str(path), "--check", serves=serve) == 0
    assert served == []
    assert begun(str(path), serves=serve) == 7
    assert served == [3]


def test_wrong_settings_are_one_line_that_names_their_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "settings"
    path.write_text("three")
    assert begun(str(path), "--check") == 1
    assert capsys.readouterr().err.startswith(f"{path}: invalid literal")
    path.unlink()
    assert begun(str(path)) == 1
    assert capsys.readouterr().err.startswith(f"<3>{path}: [Errno 2]")


def test_a_daemon_that_cannot_begin_says_why_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "settings"
    path.write_text("3")

    def refused(number: int) -> int:
        raise InputError("no socket", "start the unit")

    def broken(number: int) -> int:
        raise ValueError("a fault of ours keeps its trace")

    assert begun(str(path), serves=refused) == 1
    assert capsys.readouterr().err == "<3>counter: no socket; start the unit\n"
    with pytest.raises(ValueError, match="a fault of ours"):
        begun(str(path), serves=broken)


def test_a_daemon_writes_what_waits_when_it_is_ended_and_not_when_it_fails() -> None:
    """By a signal to itself; beside it one that fails by itself."""
    written: list[str] = []

    async def until_told() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()

    async def failing() -> None:
        raise InputError("no socket")

    asyncio.run(kit.until_ended(until_told(), lambda: written.append("ended")))
    assert written == ["ended"]
    with pytest.raises(InputError, match="no socket"):
        asyncio.run(kit.until_ended(failing(), lambda: written.append("failed")))
    assert written == ["ended"]
