"""Runs borg 1.4: environment, exit codes and errors in one place.

The passphrase is read by borg itself from a file for root alone (BORG_PASSCOMMAND), never in an argument list.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from malleposte.core.errors import MallepostError

WARNINGS = frozenset({1, *range(100, 128)})
"""Exit codes that say: done, with warnings (BORG_EXIT_CODES=modern, borg's "Return codes")."""
NO_REPOSITORY = 13
WRONG_PASSPHRASE = 52
NEVER_MADE = "is not a valid repository"
"""borg's words for a folder that holds no repository; over ssh its exit code says nothing (2)."""
CONNECTION_CLOSED = frozenset({80, 81, 82, 83})
NEVER_MATCHED = 101
AFTER_UNDO = "after a `vault undo`, run the backup with --fresh-cache"
PASSED = ("PATH", "LANG")


class BorgError(MallepostError):
    """borg failed; `code` is its exit code."""

    def __init__(self, message: str, code: int, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.code = code

    @property
    def no_repository(self) -> bool:
        """Whether the repository is not there."""
        return self.code == NO_REPOSITORY or NEVER_MADE in self.message


@dataclass(frozen=True)
class Done:
    """The output of borg, and its warnings."""

    output: str
    warnings: tuple[str, ...] = ()
    code: int = 0


def environment(base: Path, passphrase_file: Path, ssh_config: Path | None = None) -> dict[str, str]:
    """The environment of a borg that must never ask anything."""
    env = {name: os.environ[name] for name in PASSED if name in os.environ}
    env |= {
        "BORG_BASE_DIR": str(base),
        "BORG_PASSCOMMAND": f"cat {shlex.quote(str(passphrase_file))}",
        "BORG_EXIT_CODES": "modern",
        "BORG_DISPLAY_PASSPHRASE": "no",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }
    if ssh_config:
        env["BORG_RSH"] = f"ssh -F {shlex.quote(str(ssh_config))}"
    return env


def complaints(text: str) -> tuple[list[str], list[str]]:
    """Errors and warnings among the lines of borg's `--log-json`; a line that is no JSON is an error's."""
    errors: list[str] = []
    warnings: list[str] = []
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            if line.strip():
                errors.append(line.strip())
            continue
        if not isinstance(entry, dict) or entry.get("type") != "log_message":
            continue
        message = " ".join(str(entry.get("message", "")).split())
        if entry.get("levelname") in {"ERROR", "CRITICAL"}:
            errors.append(message)
        elif entry.get("levelname") == "WARNING":
            warnings.append(message)
    return errors, warnings


def cause(code: int, errors: Sequence[str], warnings: Sequence[str]) -> str:
    """The one line that says why."""
    said = [line for line in (*errors, *warnings) if not line.startswith(("Remote: Warning", "Traceback"))]
    if code in CONNECTION_CLOSED and said:
        said = [line.removeprefix("Remote: ") for line in said if "did you" not in line.lower()] or said
        return f"cannot be reached: {said[0]}"
    return said[-1] if said else f"borg ended with status {code}"


@dataclass(frozen=True)
class Borg:
    """borg with the environment of one vault."""

    env: Mapping[str, str]
    lock_wait: int = 300

    def argv(self, words: Sequence[str]) -> list[str]:
        """The argument list of a call."""
        return ["borg", "--log-json", "--lock-wait", str(self.lock_wait), *words]

    def run(self, *words: str, cwd: Path | None = None, extra: Mapping[str, str] | None = None) -> Done:
        """Run it to its end. Raises BorgError on an error; warnings come back."""
        done = subprocess.run(
            self.argv(words),
            env={**self.env, **(extra or {})},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
        )
        return judged(done.returncode, done.stdout, done.stderr)

    def lines(self, *words: str) -> Iterator[str]:
        """The lines it prints, as they come. Raises BorgError at the end when it failed."""
        with subprocess.Popen(
            self.argv(words),
            env=dict(self.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="surrogateescape",
        ) as process:
            assert process.stdout and process.stderr
            yield from process.stdout
            said = process.stderr.read()
        judged(process.returncode, "", said)

    def into(self, stream: IO[bytes], *words: str) -> Done:
        """Its standard output goes to `stream`. Raises BorgError when it failed; warnings come back."""
        done = subprocess.run(
            self.argv(words),
            env=dict(self.env),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.PIPE,
            check=False,
        )
        return judged(done.returncode, "", done.stderr.decode("utf-8", "replace"))


def judged(code: int, output: str, said: str) -> Done:
    """Judge the result of a call. Raises BorgError."""
    errors, warnings = complaints(said)
    if code == 0 or code in WARNINGS:
        return Done(output, tuple(warnings), code)
    why = cause(code, errors, warnings)
    raise BorgError(why, code, AFTER_UNDO if "newer than repository" in why else None)
