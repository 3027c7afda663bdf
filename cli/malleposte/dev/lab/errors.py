"""Errors of the lab: the command line shows the message as one line and exits with its exit code."""

from __future__ import annotations

from malleposte.core.errors import ExitCode, MallepostError


class LabError(MallepostError):
    """The lab could not do what was asked."""


class LabUsageError(LabError):
    """The request makes no sense: unknown host, bad prefix, unreadable inventory."""

    exit_code = ExitCode.BAD_INPUT


class LabUnsupportedError(LabError):
    """This machine cannot run lab hosts (no root, no namespaces, no overlay); the hint says the way out."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"lab hosts cannot run here: {reason}",
            "deploy on a real host instead: malleposte deploy -i inventories/standalone",
        )
