"""The errors that the command line shows as one line, and the exit codes.

Whatever a person can cause or cure is raised as one of these; anything else that comes up is a defect.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """The meanings of a command's exit codes."""

    DONE = 0
    FAILURE = 1
    BAD_INPUT = 2
    NOT_TESTED = 3
    """The probe could not test every path, and failed on none."""
    PARTLY = 4
    """Done in part: rows of a feed were refused, or a host did not answer. What is left is said."""
    CHANGES = 10
    """A plan that holds changes, where --detailed-exitcode was asked."""
    INTERRUPTED = 130


class MallepostError(Exception):
    """Something failed: `message` says what is wrong, `hint` what to do about it.

    `french` says it to readers without English: the senders of feeds, in the file of refused rows.
    """

    exit_code = ExitCode.FAILURE

    def __init__(self, message: str, hint: str | None = None, *, french: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.told = False
        """Whether the JSON document that was asked for is printed already, and says so."""
        self.on_stderr = False
        """Whether a sentence about it is on standard error already, as of a host that refused by itself."""
        self.french = french

    def __str__(self) -> str:
        """Message and hint as one line."""
        text = f"{self.message}; {self.hint}" if self.hint else self.message
        return " ".join(text.split())


class InputError(MallepostError):
    """The input cannot be used (exit code 2)."""

    exit_code = ExitCode.BAD_INPUT
