"""What can go wrong with the directory."""

from malleposte.errors import MallepostError


class DirectoryError(MallepostError):
    """The directory cannot be reached, or its answer is not understood."""


class Refused(DirectoryError):
    """slapd refuses a change: `code` is the LDAP result code, `reason` its own words."""

    def __init__(self, dn: str, code: int, reason: str) -> None:
        super().__init__(f"the directory refuses {dn}: {reason} ({code})")
        self.dn = dn
        self.code = code
        self.reason = reason


class AlreadyThere(Refused):
    """The entry exists, or a value that must be unique belongs to another."""


class NotThere(Refused):
    """There is no such entry."""
