"""The present state of the hosts of a lab, and acts on several of them at once."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from malleposte.dev.lab.machine.host import Host


@dataclass(frozen=True)
class HostStatus:
    """The present state of a host."""

    name: str
    address: str
    state: str  # absent | half-made | stopped | running
    ssh: bool
    pid: int
    uptime: float  # seconds, 0 when it does not run
    snapshots: tuple[str, ...]


def look(host: Host) -> HostStatus:
    """Return the present state of a host."""
    current, machine = host.state, host.running()
    address = str(host.spec.address) if host.spec else (current.address if current else "")
    word = "running" if machine else "stopped"
    if current is None:
        word = "absent"
    elif not current.provisioned:
        word = "half-made"
    uptime = time.clock_gettime(time.CLOCK_BOOTTIME) - machine.started if machine else 0.0
    answers = machine is not None and answers_ssh(address)
    labels = tuple(sorted(current.snapshots)) if current else ()
    return HostStatus(host.name, address, word, answers, machine.pid if machine else 0, round(uptime, 1), labels)


def for_each[T](hosts: Sequence[Host], act: Callable[[Host], T]) -> list[T]:
    """Do ``act`` for all hosts at once; return the results in order, or raise the first error when all are done."""
    if not hosts:
        return []
    with ThreadPoolExecutor(max_workers=len(hosts)) as pool:
        futures = [pool.submit(act, host) for host in hosts]
    return [future.result() for future in futures]


def those(hosts: Sequence[Host], act: Callable[[Host], bool]) -> list[Host]:
    """Do ``act`` for all hosts at once; return those for which it was true."""
    return [host for host, true in zip(hosts, for_each(hosts, act), strict=True) if true]


def answers_ssh(address: str) -> bool:
    """Whether a host takes connections on the port of ssh."""
    with contextlib.suppress(OSError), socket.create_connection((address, 22), timeout=1):
        return True
    return False


def last_line(path: Path) -> str:
    """Return the last line of a file that is not empty."""
    with contextlib.suppress(OSError):
        lines = [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
        return next((line for line in reversed(lines) if line), "no output")
    return "no output"
