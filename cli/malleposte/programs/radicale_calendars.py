"""Bring the published calendars into Radicale's store (role radicale)."""

from malleposte.groupware.published.radicale import main

__all__ = ["main"]
