"""Walk the probe from a backup server, and write its measures (role watcher)."""

from malleposte.daemons.vault_probe import main

__all__ = ["main"]
