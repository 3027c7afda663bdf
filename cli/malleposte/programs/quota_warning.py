"""Tell the owner or the delegates of a mailbox how full it is (role dovecot)."""

from malleposte.accounts.mailbox.quota_warning import main

__all__ = ["main"]
