"""Answer Dovecot before and after it proves a password (role authpolicy)."""

from malleposte.daemons.authpolicy import main

__all__ = ["main"]
