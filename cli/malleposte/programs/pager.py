"""Tell people of alarms, and of vaults that watch no more (role pager)."""

from malleposte.daemons.pager import main

__all__ = ["main"]
