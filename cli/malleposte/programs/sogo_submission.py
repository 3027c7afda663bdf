"""Send SOGo's mail by the agents' tokens (role sogo)."""

from malleposte.daemons.sogo_submission import main

__all__ = ["main"]
