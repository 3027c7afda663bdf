"""Make the accounts with which the backup servers probe (role accounts)."""

from malleposte.accounts.watchers import main

__all__ = ["main"]
