"""What the lab raises. The command line prints the message in one line and exits with ``exit_code``."""

from __future__ import annotations


class LabError(Exception):
    """The lab could not do what was asked (exit code 1)."""

    exit_code = 1


class LabUsageError(LabError):
    """What was asked makes no sense: unknown host, bad prefix, unreadable inventory (exit code 2)."""

    exit_code = 2


class LabUnsupportedError(LabError):
    """This machine cannot run lab hosts (no root, no namespaces, no overlay)."""

    def __init__(self, reason: str) -> None:
        """Say ``reason`` and the way out: a host of one's own."""
        super().__init__(
            f"lab hosts cannot run here: {reason}; "
            "deploy on a real host instead: malleposte deploy -i inventories/standalone"
        )
