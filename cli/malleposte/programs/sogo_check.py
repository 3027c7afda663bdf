"""Say whether SOGo would work with a configuration (role sogo)."""

from malleposte.adapters.sogo.check import main

__all__ = ["main"]
