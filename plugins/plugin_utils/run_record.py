"""The record of a playbook run, by role and host: the pure part of the callback `progress`.

Knows nothing of Ansible's classes, so that it is tested without a run. Times are seconds since the start of the run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

STATUSES = ("ok", "changed", "skipped", "failed", "unreachable")


def duration(seconds: float) -> str:
    """Seconds as a person says them: `0.4 s`, `12 s`, `3 min 05 s`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


def host_names(hosts: Iterable[str], most: int = 3) -> str:
    """Names joined by commas; their number when there are more than `most`."""
    names = sorted(hosts)
    return ",".join(names) if len(names) <= most else f"{len(names)} hosts"


def one_line(text: object, most: int = 400) -> str:
    """The text on one line, cut at `most` characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def failure_message(result: Mapping[str, Any], role: str) -> str:
    """Return the reason why a task failed, in one line. For a hidden result, say how it can be seen."""
    if "censored" in result:
        switch = f"; to see it, run again with -e {role}_no_log=false" if role not in ("play", "facts") else ""
        return f"the details are hidden, since the task handles secrets{switch}"
    message = one_line(result.get("msg") or "no message").removeprefix("Task failed: ")
    for key in ("stderr", "module_stderr", "stdout", "module_stdout"):
        lines = [line for line in str(result.get(key) or "").splitlines() if line.strip()]
        if lines:
            last = one_line(lines[-1])
            return message if last in message else f"{message.rstrip('.')}: {last}"
    return message


@dataclass
class Segment:
    """A stretch of tasks of one role (or of a play's own tasks) in one play."""

    play: str
    role: str
    begun: float
    ended: float = 0.0
    hosts: dict[str, dict[str, int]] = field(default_factory=dict)

    def count(self, status: str) -> int:
        """Count the results of that status, over all hosts."""
        return sum(counts[status] for counts in self.hosts.values())

    def add(self, host: str, status: str) -> None:
        """Counts one result."""
        self.hosts.setdefault(host, dict.fromkeys(STATUSES, 0))[status] += 1

    def line(self, width: int = 14) -> str:
        """`[ 34 s] postfix  mail1  8.1 s  14 ok, 5 changed`."""
        parts = [f"{self.count('ok') + self.count('changed')} ok"]
        parts += [f"{self.count(s)} {s}" for s in ("changed", "failed", "unreachable") if self.count(s)]
        took = duration(self.ended - self.begun)
        where = host_names(self.hosts)
        return f"[{self.ended:4.0f} s] {self.role:<{width}} {where:<20} {took:>10}  {', '.join(parts)}"

    def as_dict(self) -> dict[str, Any]:
        """For the summary: numbers only, times in seconds."""
        counts = {status: self.count(status) for status in STATUSES}
        seconds = round(self.ended - self.begun, 2)
        return {
            "play": self.play,
            "role": self.role,
            "seconds": seconds,
            "hosts": sorted(self.hosts),
            **counts,
        }


class RunRecord:
    """Collects the events of one run. `clock` gives seconds and only ever grows."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()
        self.play = ""
        self.segments: list[Segment] = []
        self.current: Segment | None = None
        self.failures: list[dict[str, str]] = []
        self.changes: list[dict[str, str]] = []

    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self._clock() - self._start

    def start_play(self, name: str) -> Segment | None:
        """A play begins; gives the segment that ended by it."""
        ended = self.end_segment()
        self.play = name
        return ended

    def start_task(self, role: str) -> Segment | None:
        """A task of `role` begins; gives the segment that ended by it, if it is another role's."""
        if self.current is not None and self.current.role == role:
            return None
        ended = self.end_segment()
        self.current = Segment(self.play, role, self.elapsed())
        return ended

    def end_segment(self) -> Segment | None:
        """Closes the segment at hand; gives it when any host took part (one where all was skipped counts too)."""
        segment, self.current = self.current, None
        if segment is None or not segment.hosts:
            return None
        segment.ended = self.elapsed()
        self.segments.append(segment)
        return segment

    def add(self, host: str, status: str, task: str, message: str = "") -> None:
        """One result of the running task."""
        if self.current is None:
            self.start_task("play")
        assert self.current is not None
        self.current.add(host, status)
        what = {"host": host, "role": self.current.role, "task": task}
        if status == "changed":
            self.changes.append(what)
        elif status in ("failed", "unreachable"):
            self.failures.append({**what, "message": message})

    def summary(self, hosts: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
        """The whole run as plain data; `hosts` are Ansible's own final counts."""
        return {
            "seconds": round(self.elapsed(), 2),
            "hosts": {name: dict(counts) for name, counts in sorted(hosts.items())},
            "roles": [segment.as_dict() for segment in self.segments],
            "changes": self.changes,
            "failures": self.failures,
        }


def table(hosts: Mapping[str, Mapping[str, int]], seconds: float) -> list[str]:
    """The closing table: a line a host, and the total time."""
    columns = ("ok", "changed", "failed", "skipped", "unreachable")
    width = max([4, *map(len, hosts)])
    lines = [f"{'host':<{width}}" + "".join(f"{c:>13}" for c in columns)]
    for name, counts in sorted(hosts.items()):
        lines.append(f"{name:<{width}}" + "".join(f"{counts.get(c, 0):>13}" for c in columns))
    lines.append(f"total time {duration(seconds)}")
    return lines
