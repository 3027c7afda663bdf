"""Keep the record of log-ins and refused mail of this host (role record)."""

from malleposte.daemons.record import main

__all__ = ["main"]
