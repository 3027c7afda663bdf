"""Check Radicale's configuration before it is put in place (role radicale)."""

from malleposte.adapters.radicale_check import main

__all__ = ["main"]
