"""Hand saves of agendas to SOGo in their turn (role sogo)."""

from malleposte.daemons.sogo_front.main import main

__all__ = ["main"]
