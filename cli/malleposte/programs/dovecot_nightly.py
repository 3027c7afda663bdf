"""Remove expunged messages whose time is over; index large folders for search (role dovecot)."""

from malleposte.daemons.dovecot_nightly import main

__all__ = ["main"]
