"""Keep Dovecot's list of shared mailboxes in line with the directory (role dovecot)."""

from malleposte.accounts.mailbox.shared_boxes import main

__all__ = ["main"]
