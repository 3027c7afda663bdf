"""Tell the journal which addresses guess passwords, on whatever host (role fail2ban)."""

from malleposte.daemons.guesses import main

__all__ = ["main"]
