"""A process for each connection: what one question does to itself is nothing to the next."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROGRAM = """
import os, socket, sys
from malleposte.runtime import forks
count = 0
def answer(stream):
    global count
    count += 1
    word = stream.readline().strip()
    if word == b"defect": raise ValueError("something secret")
    if word == b"abort": os.abort()
    while word == b"for ever": pass
    if word == b"wait": stream.readline()
    return b"%d %d %d" % (os.getppid(), os.getpid(), count)
fd, most, seconds, idle = map(float, sys.argv[1:])
forks.serve(socket.socket(fileno=int(fd)), answer, most=int(most), seconds=seconds, idle=idle)
"""


@contextlib.contextmanager
def server(
    folder: Path, most: int = 4, seconds: float = 60, idle: float = 60
) -> Iterator[tuple[Path, "subprocess.Popen[bytes]"]]:
    path = folder / "asked.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(16)
        words = [sys.executable, "-c", PROGRAM, str(listener.fileno()), *map(str, (most, seconds, idle))]
        with (folder / "log").open("w") as log:
            program = subprocess.Popen(words, pass_fds=[listener.fileno()], stderr=log)
    try:
        yield path, program
    finally:
        program.terminate()
        program.wait()


def connected(path: Path) -> socket.socket:
    link = socket.socket(socket.AF_UNIX)
    link.settimeout(60)
    link.connect(str(path))
    return link


def asked(path: Path, word: str) -> bytes:
    with connected(path) as link:
        link.sendall(word.encode() + b"\n")
        with contextlib.suppress(ConnectionError):
            return link.recv(100)
        return b""


def ended(link: socket.socket) -> bool:
    """Send one byte, and say whether the other side has closed the connection."""
    try:
        link.sendall(b"x")
        return not link.recv(1)
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_each_question_has_a_process_of_its_own(tmp_path: Path) -> None:
    with server(tmp_path) as (path, program):
        (parent, first, one), (_parent, second, two) = (asked(path, "who").split() for _ in range(2))
        assert int(parent) == program.pid and first != second
        assert one == two == b"1", "nothing of a question is left for the next"


@pytest.mark.parametrize("word", ["defect", "abort", "for ever"])
def test_one_that_fails_stops_no_other(tmp_path: Path, word: str) -> None:
    with server(tmp_path, most=1, seconds=0.5) as (path, _program):
        assert asked(path, word) == b""
        assert any(asked(path, "who") for _ in range(20)), "a slow machine may end one"
    log = (tmp_path / "log").read_text()
    assert ("<3>ValueError at" in log) == (word == "defect") and "secret" not in log


def test_a_client_that_sends_byte_by_byte_holds_its_place_no_longer_than_others(tmp_path: Path) -> None:
    with server(tmp_path, most=1, seconds=0.5) as (path, _program), connected(path) as link:
        link.settimeout(0.02)
        ends = False
        for _ in range(3_000):
            if ends := ended(link):
                break
        assert ends
        assert any(asked(path, "who") for _ in range(20)), "a slow machine may end one"


def test_so_many_at_once_and_others_wait(tmp_path: Path) -> None:
    with server(tmp_path, most=1) as (path, _program), connected(path) as first, connected(path) as second:
        first.sendall(b"wait\n")
        second.sendall(b"who\n")
        second.settimeout(0.1)
        with pytest.raises(TimeoutError):
            second.recv(100)
        first.sendall(b"\n")
        second.settimeout(60)
        assert first.recv(100) and second.recv(100)


def test_it_ends_when_nobody_comes(tmp_path: Path) -> None:
    with server(tmp_path, idle=0.1) as (_path, program):
        assert program.wait(60) == os.EX_OK
