"""Keep the published calendars as their sources and the directory are (role calendars)."""

from malleposte.groupware.published.gathering import main

__all__ = ["main"]
