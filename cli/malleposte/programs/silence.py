"""Silence the alarms of this host for a while (`deploy`, `upgrade`)."""

from malleposte.watch.silence import main

__all__ = ["main"]
