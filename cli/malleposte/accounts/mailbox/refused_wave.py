"""The marks of retracted waves, which the filter refuses (role rspamd, `waves.lua`): a file of this host.

A line is a kind, a mark, and the identifier of its retraction. rspamd reads the file again by itself.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

from malleposte.core.errors import InputError
from malleposte.deliveries.retracted import Stop
from malleposte.platform import locks
from malleposte.runtime import durable

PATH = Path("/var/lib/malleposte-waves/refused.map")
DAYS = 30
MOST = 5_000
"""Marks of a host; the oldest go first."""
_MARK = re.compile(r"[\x21-\x7e]{1,250}")
_IDENT = re.compile(r"(\d{8})-\d{6}-[0-9a-f]{4}")


def stop(wave: Stop, path: Path = PATH, now: float | None = None) -> None:
    """Set the marks of a wave in place of its own of before. Raises InputError, OSError."""
    if not _IDENT.fullmatch(wave.ident):
        raise InputError(f"{wave.ident!r} is no identifier of a retraction")
    with locks.waited(path.with_suffix(".lock")):
        lines = [line for line in _lines(path) if not line.endswith(f" {wave.ident}") and not _old(line, now)]
        for kind, marks in (("id", wave.message_ids), ("content", wave.contents), ("host", wave.hosts)):
            lines += [f"{kind}:{mark.lower()} {wave.ident}" for mark in marks if _MARK.fullmatch(mark)]
        durable.write(path, "".join(f"{line}\n" for line in lines[-MOST:]), 0o644)


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines() if path.exists() else []


def _old(line: str, now: float | None) -> bool:
    """Whether the retraction of a line is older than an index knows."""
    match = _IDENT.fullmatch(line.rpartition(" ")[2])
    if match is None:
        return True
    retracted_at = time.mktime(time.strptime(match[1], "%Y%m%d"))
    return (time.time() if now is None else now) - retracted_at > DAYS * 86_400
