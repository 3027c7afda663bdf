"""The privileged acts on accounts (role accountd)."""

from malleposte.accountd.server import main

__all__ = ["main"]
