"""The person in whose name a command works."""

import os
import pwd
import socket

BY = "MALLEPOSTE_BY"
"""In the environment: who typed the command on the controller, as that says."""


def actor() -> str:
    """The person for the journal: the one behind sudo or ssh, if known, and the one the controller names."""
    user = os.environ.get("SUDO_USER") or pwd.getpwuid(os.geteuid()).pw_name
    origin = os.environ.get("SSH_CONNECTION", "").partition(" ")[0] or socket.gethostname()
    person = os.environ.get(BY, "")
    return f"{user}@{origin}" + (f" for {person}" if person else "")
