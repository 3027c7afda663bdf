"""Refuse messages made to keep the spam filter busy (role guard)."""

from malleposte.daemons.guard.main import main

__all__ = ["main"]
