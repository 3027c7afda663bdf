"""Dovecot of this host, by doveadm: for root."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterable, Sequence

from malleposte.errors import MallepostError

NOBODY = 68  # EX_NOHOST: no session matched
MISSING = 127  # a shell's exit code for a program that is not there


def doveadm(
    *words: str, check: bool = True, also: Sequence[int] = (), timeout: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Run it. Raises MallepostError with its last line, unless its exit code is among `also` or `check` is off.

    `timeout` is in seconds.
    """
    try:
        done = subprocess.run(
            ["doveadm", *words], capture_output=True, text=True, check=False, timeout=timeout, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise MallepostError(f"doveadm {words[0]}: no answer in {timeout:.0f} s") from error
    except FileNotFoundError:
        done = subprocess.CompletedProcess(["doveadm"], MISSING, "", "is not on this host")
    if check and done.returncode and done.returncode not in also:
        lines = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
        raise MallepostError(f"doveadm {words[0]}: {lines[-1]}", "look at 'journalctl -u dovecot'")
    return done


def forget(names: Iterable[str] = (), *, check: bool = True, timeout: float | None = None) -> None:
    """Forget what is cached of these log-ins, or of all: a cached password is kept under the name that was typed."""
    doveadm("auth", "cache", "flush", *dict.fromkeys(names), check=check, timeout=timeout)


def sessions(uid: str) -> int:
    """Open sessions of an account; 0 where Dovecot does not answer."""
    done = doveadm("-f", "json", "who", uid, check=False)
    return sum(int(row.get("connections", 1)) for row in json.loads(done.stdout or "[]"))


def kick(uid: str, *, timeout: float | None = None) -> None:
    """End an account's sessions, those too that have opened another's folders. Raises MallepostError.

    The process of such a session bears the name of the folders' owner from then on, and answers a kick of its own user
    with nothing (Dovecot 2.4.1). Each process serves one session.
    """
    doveadm("kick", uid, also=(NOBODY,), timeout=timeout)
    for line in doveadm("-f", "tab", "who", "-1", uid, timeout=timeout).stdout.splitlines()[1:]:
        name, _service, pid, *_rest = [*line.split("\t"), "", "", ""]
        if name == uid and pid.isdigit():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGTERM)
