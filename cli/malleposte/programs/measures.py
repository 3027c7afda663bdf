"""Measure this host (role watch)."""

from malleposte.watch.run import main

__all__ = ["main"]
