"""Dovecot of this host, by doveadm: for root."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from malleposte.core.errors import MallepostError

DEVICE = "user_device"
"""The passdb field that names the device of a log-in (role dovecot); Dovecot tracks those that begin with `user_`."""
LEARN = "/etc/dovecot/sieve/bin/learn"
"""The program of role dovecot that tells the filter what an agent judged; a host without a filter has none."""
ENVIRONMENT = Path("/run/dovecot/hostname.env")
"""The variable by which Dovecot names this host in lock files and names of messages: one name a boot (role dovecot)."""
NOBODY = 68  # EX_NOHOST: no session matched
MISSING = 127  # a shell's exit code for a program that is not there
LAST_OF_SYSEXITS = 78  # EX_CONFIG
_FAULT = re.compile(r"^doveadm\(([^)\n]+)\)[^:\n]*: (?:Error|Fatal|Panic|Info: .*no longer exists)", re.MULTILINE)
"""A line of doveadm on a box: a fault, or that the account has none, as one that is suspended."""
LINE = 900
"""Octets of names in one request to auth (2.4.1), which hangs up at a line of 1,024 and forgets nothing."""
_FLUSH_FAULT = re.compile(r"Error: (.*)")
"""A request that auth did not answer: doveadm's exit code is 0 all the same (2.4.1)."""
ENDED = "Failed to iterate"
"""The words of doveadm (2.4.1) where it could not look one of several users up: it looks at nobody behind."""


def doveadm(
    *words: str, check: bool = True, also: Sequence[int] = (), timeout: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Run it. Raises MallepostError with its last line, unless its exit code is among `also` or `check` is off.

    doveadm takes options anywhere: before words that agents choose (folders, what is looked for) stands `--`, or a word
    such as `-uNAME` would be another account.
    `timeout` is in seconds.
    """
    try:
        done = subprocess.run(
            ["doveadm", *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **hostname()},
        )
    except subprocess.TimeoutExpired as error:
        raise MallepostError(f"doveadm {words[0]}: no answer in {timeout:.0f} s") from error
    except FileNotFoundError:
        done = subprocess.CompletedProcess(["doveadm"], MISSING, "", "is not on this host")
    if check and done.returncode and done.returncode not in also:
        lines = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
        raise MallepostError(f"doveadm {words[0]}: {lines[-1]}", "look at 'journalctl -u dovecot'")
    return done


def hostname() -> dict[str, str]:
    """Return the variable by which doveadm names the host as Dovecot's daemons do; nothing before Dovecot's start."""
    try:
        name, _, value = ENVIRONMENT.read_text("utf-8").strip().partition("=")
    except FileNotFoundError:
        return {}
    return {name: value} if value else {}


def unserved(uids: Sequence[str], done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return those of several users for whom a run of doveadm may not have done its work, by its lines of errors.

    All of them where it was killed or ended by a fault of its own (Dovecot's codes follow those of sysexits.h): then it
    does not say at whom it was. Some faults of a user have no exit code (2.4.1).
    """
    if done.returncode < 0 or done.returncode > LAST_OF_SYSEXITS or ENDED in done.stderr:
        return list(uids)
    there = {match[1] for match in _FAULT.finditer(done.stderr)}
    return [uid for uid in uids if uid in there] or (list(uids) if done.returncode else [])


@contextlib.contextmanager
def user_file(uids: Iterable[str]) -> Iterator[str]:
    """A file with users, a line each, as doveadm's `-F` reads it. No uid may have a line's end."""
    with tempfile.NamedTemporaryFile("w", prefix="doveadm-users-", encoding="utf-8") as file:
        file.writelines(f"{uid}\n" for uid in uids)
        file.flush()
        yield file.name


def forget(
    names: Iterable[str] = (),
    *,
    check: bool = True,
    timeout: float | None = None,
    run: Callable[..., Any] | None = None,
) -> None:
    """Forget what is cached of these log-ins, or of all: a cached password is kept under the name that was typed.

    Raises MallepostError, unless `check` is off. `timeout`: seconds for each request, of names that fit into a line.
    """
    for line in _lines(list(dict.fromkeys(names))):
        done = (run or doveadm)("auth", "cache", "flush", *line, check=check, timeout=timeout)
        if check and (fault := _FLUSH_FAULT.search(done.stderr)):
            raise MallepostError(f"doveadm auth: {fault[1]}", "look at 'journalctl -u dovecot'")


def _lines(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the names in parts that fit into a line; one empty part, which stands for all, where there is none."""
    begin = size = 0
    for number, name in enumerate(names):
        octets = len(name.encode()) + 1
        if size + octets > LINE and number > begin:
            yield names[begin:number]
            begin, size = number, 0
        size += octets
    yield names[begin:]


def sessions(uid: str) -> int:
    """Open sessions of an account; 0 where Dovecot does not answer."""
    done = doveadm("-f", "json", "who", uid, check=False)
    return sum(int(row.get("connections", 1)) for row in json.loads(done.stdout or "[]"))


def room(uid: str, *, timeout: float | None = None) -> tuple[int, int]:
    """Megabytes that a box takes, and its quota (0: none). Raises MallepostError."""
    done = doveadm("-f", "json", "quota", "get", "-u", uid, timeout=timeout)
    rows = [row for row in json.loads(done.stdout or "[]") if row.get("type") == "STORAGE"]
    numbers = [str(rows[0].get(name, "0")) if rows else "0" for name in ("value", "limit")]
    used, limit = (int(number) // 1024 if number.isdecimal() else 0 for number in numbers)
    return used, limit


def index(uid: str, folder: str, *, queued: bool = False) -> None:
    """Index a folder for search, now or after others (`queued`: by Dovecot's indexer, which this does not wait for).

    doveadm has no search plugin otherwise (role dovecot): it would index a whole box before it looks.
    Nothing else depends on it: where it fails, as in a box that is closed, the next search makes the index.
    """
    if queued:
        doveadm("index", "-q", "-u", uid, "--", folder, check=False)
    else:
        doveadm("-o", "mail_plugins=mail_compress fts fts_flatcurve", "index", "-u", uid, "--", folder, check=False)


def connected(uids: Collection[str], *, timeout: float | None = None) -> list[str]:
    """Return those of some accounts that have a session. Raises MallepostError."""
    head, *lines = doveadm("-f", "tab", "who", "-1", timeout=timeout).stdout.splitlines() or [""]
    at = head.split("\t").index("username") if head else 0
    there = {line.split("\t")[at] for line in lines}
    return [uid for uid in uids if uid in there]


def kick(uid: str, *, device: str = "", timeout: float | None = None) -> None:
    """End an account's sessions, or those of one of its devices; also those that have opened another's folders.

    The process of such a session bears the name of the folders' owner from then on, and answers a kick of its own user
    with nothing (Dovecot 2.4.1). Each process serves one session. `who` looks by the account, since `who -f` dies where
    only some sessions have the field (2.4.1). Raises MallepostError.
    """
    doveadm("kick", *(("-f", DEVICE, device) if device else (uid,)), also=(NOBODY,), timeout=timeout)
    head, *lines = doveadm("-f", "tab", "who", "-1", uid, timeout=timeout).stdout.splitlines() or [""]
    for line in lines:
        row = dict(zip(head.split("\t"), line.split("\t"), strict=False))
        meant = row.get("username") == uid and (not device or row.get(DEVICE) == device)
        if meant and (pid := row.get("pid", "")).isdigit():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGTERM)


def learn_ham(text: str) -> None:
    """Tell the filter that a message is no spam. No act fails because of it: what goes wrong is in the journal."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run([LEARN, "ham"], input=text.encode("utf-8", "surrogateescape"), check=False, timeout=30)
