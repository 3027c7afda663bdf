"""The errors that the command line shows as one line, and the exit codes.

Whatever a person can cause or cure is raised as one of these; anything else that comes up is a defect.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's exit code says."""

    DONE = 0
    FAILURE = 1
    BAD_INPUT = 2
    NOT_TESTED = 3
    """A probe that could not walk every path, and failed on none."""
    CHANGES = 10
    """A plan that holds changes, where --detailed-exitcode was asked."""
    INTERRUPTED = 130


class MallepostError(Exception):
    """Something failed: `message` says what is wrong, `hint` what to do about it."""

    exit_code = ExitCode.FAILURE

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Message and hint as one line."""
        text = f"{self.message}; {self.hint}" if self.hint else self.message
        return " ".join(text.split())


class InputError(MallepostError):
    """What the person gave cannot be used (exit code 2)."""

    exit_code = ExitCode.BAD_INPUT
