"""Run the portal by gunicorn (role portal)."""

from malleposte.daemons.portal import main

__all__ = ["main"]
