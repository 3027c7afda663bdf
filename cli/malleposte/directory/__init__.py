"""The directory for the rest of the program: typed entries behind a Protocol, with LDAP below.

Only this package imports ldap3.
"""

from malleposte.directory.errors import AlreadyThere, DirectoryError, NotThere, Refused
from malleposte.directory.model import Agent, FunctionalBox, State
from malleposte.directory.protocol import BindResult, Directory

__all__ = [
    "Agent",
    "AlreadyThere",
    "BindResult",
    "Directory",
    "DirectoryError",
    "FunctionalBox",
    "NotThere",
    "Refused",
    "State",
]
