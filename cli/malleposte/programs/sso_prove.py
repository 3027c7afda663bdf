"""Say to the log-in page whether a password is right (role sso_prove)."""

from malleposte.daemons.sso_prove import main

__all__ = ["main"]
