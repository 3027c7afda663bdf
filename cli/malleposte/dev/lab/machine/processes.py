"""The processes of lab hosts, found in /proc by what they are: no process id is trusted from a file.

A host is one systemd-nspawn whose command line names its machine and its directory. That stays true when the
lab was interrupted at any point, and can never point at somebody else's process.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Machine:
    """A running host: its nspawn, its leader (the host's PID 1; 0 in the first instants), its names."""

    pid: int
    leader: int
    name: str
    directory: str
    started: float  # seconds since the controller's boot


def machines(proc: Path = PROC) -> list[Machine]:
    """Return every host that systemd-nspawn runs with explicit ``--machine=`` and ``--directory=``."""
    parents: dict[int, list[int]] = {}
    candidates: list[tuple[int, str, str, float]] = []
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            words = (entry / "cmdline").read_text(encoding="utf-8", errors="replace").split("\0")
        except OSError:
            continue
        if fields[0] in "ZX":
            continue
        parents.setdefault(int(fields[1]), []).append(int(entry.name))
        if Path(words[0]).name != "systemd-nspawn":
            continue
        named = dict(word.split("=", 1) for word in words if word.startswith(("--machine=", "--directory=")))
        if len(named) == 2:
            started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
            candidates.append((int(entry.name), named["--machine"], named["--directory"], started))
    # nspawn's forked stub keeps its command line for an instant: the parent is the machine.
    pids = {pid for pid, *_ in candidates}
    stubs = {child for pid in pids for child in parents.get(pid, ())} & pids
    return [
        Machine(pid, min(parents.get(pid, ()), default=0), name, directory, started)
        for pid, name, directory, started in candidates
        if pid not in stubs
    ]


def find(name: str, directory: Path, proc: Path = PROC) -> Machine | None:
    """Return the running host of this name standing on this directory, or None."""
    for machine in machines(proc):
        if machine.name == name and machine.directory == str(directory):
            return machine
    return None


def send(pid: int, number: int) -> None:
    """Send a signal; nothing if the process is gone."""
    if pid > 1:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def kill(machine: Machine, *, nspawn: bool = False) -> None:
    """SIGKILL the host's PID 1, and with it (PID namespace) every process of the host at once.

    systemd-nspawn then tidies up and ends by itself; with ``nspawn`` it is killed as well.
    """
    send(machine.leader, signal.SIGKILL)
    if nspawn or not machine.leader:
        send(machine.pid, signal.SIGKILL)


def wait(predicate: Callable[[], bool], seconds: float, step: float = 0.1) -> bool:
    """Wait until ``predicate`` holds, at most ``seconds``; return whether it did."""
    end = time.monotonic() + seconds
    while not predicate():
        if time.monotonic() >= end:
            return False
        time.sleep(step)
    return True
