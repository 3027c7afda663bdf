"""Write down which of the services that the portal names answer (role portal)."""

from malleposte.front.look_at_services import main

__all__ = ["main"]
