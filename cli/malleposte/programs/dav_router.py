"""Tell nginx which service holds an agent's agenda (role dav)."""

from malleposte.daemons.dav_router.main import main

__all__ = ["main"]
