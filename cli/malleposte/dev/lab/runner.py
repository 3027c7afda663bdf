"""Run programs for the lab through one narrow interface, so that tests can replace the machine."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from malleposte.dev.lab.errors import LabError


@dataclass(frozen=True)
class Result:
    """The result of a program: exit code, standard output, standard error."""

    code: int
    out: str = ""
    err: str = ""

    @property
    def last_line(self) -> str:
        """Return the last non-empty line of stderr, else of stdout: the cause, as programs print it last.

        mount(8) adds a line about dmesg(1), which is not the cause.
        """
        for text in (self.err, self.out):
            lines = [line.strip() for line in text.splitlines() if line.strip() and "dmesg(1)" not in line]
            if lines:
                return lines[-1]
        return f"exit code {self.code}"


class Runner(Protocol):
    """Runs one program to its end."""

    def __call__(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        check: bool = True,
        timeout: float | None = None,
    ) -> Result:
        """Run ``argv``; raise LabError if ``check`` and it failed. ``timeout`` in seconds."""
        ...


def run(
    argv: Sequence[str],
    *,
    stdin: str | None = None,
    check: bool = True,
    timeout: float | None = None,
) -> Result:
    """Run ``argv`` without a shell and without the caller's terminal.

    Raises LabError when the program is missing, when it takes more than ``timeout`` seconds, or, with
    ``check``, when its exit code is not 0; the message holds the program's last line.
    """
    try:
        done = subprocess.run(
            argv, input=stdin if stdin is not None else "", capture_output=True, text=True,
            errors="replace", check=False, timeout=timeout,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise LabError(f"{argv[0]}: program not found") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{argv[0]}: no answer within {timeout:.0f} s") from error
    result = Result(done.returncode, done.stdout, done.stderr)
    if check and result.code != 0:
        raise LabError(f"{argv[0]}: {result.last_line}")
    return result
