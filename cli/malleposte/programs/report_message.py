"""Send a suspect message to the mailbox that takes reports (role dovecot)."""

from malleposte.accounts.mailbox.report_message import main

__all__ = ["main"]
