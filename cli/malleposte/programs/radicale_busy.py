"""Answer when a colleague of the light class is busy (role radicale)."""

from malleposte.groupware.busy_times import main

__all__ = ["main"]
