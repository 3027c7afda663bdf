"""The mailing lists (role lists)."""

from malleposte.lists.daemon import main

__all__ = ["main"]
