"""Note since when each security update waits on this host (role toolkit)."""

from malleposte.fleet.updates_note import main

__all__ = ["main"]
