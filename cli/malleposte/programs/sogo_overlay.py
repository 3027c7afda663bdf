"""Make this academy's copies of SOGo's French texts and of its style sheet (role sogo)."""

from malleposte.adapters.sogo.overlay import main

__all__ = ["main"]
