"""The privileged acts of a host (role hostd)."""

from malleposte.daemons.hostd import main

__all__ = ["main"]
