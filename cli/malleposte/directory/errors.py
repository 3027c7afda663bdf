"""Errors of the directory."""

from malleposte.core.errors import MallepostError
from malleposte.directory.control import PolicyErrorCode


class DirectoryError(MallepostError):
    """The directory cannot be reached, or its answer is not understood."""


class Refused(DirectoryError):
    """slapd refuses a change: `code` is the LDAP result code, `reason` its own words."""

    def __init__(self, dn: str, code: int, reason: str) -> None:
        super().__init__(f"the directory refuses {dn}: {reason} ({code})")
        self.dn = dn
        self.code = code
        self.reason = reason


class PasswordRefused(Refused):
    """The password policy refuses a new password; `said` is what its control says of it, None when it says nothing."""

    def __init__(self, dn: str, code: int, reason: str, said: PolicyErrorCode | None) -> None:
        super().__init__(dn, code, reason)
        self.said = said


class AlreadyThere(Refused):
    """The entry exists, or a value that must be unique belongs to another."""


class NotThere(Refused):
    """There is no such entry."""
