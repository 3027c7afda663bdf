"""Have the second delivery of a message dropped that Dovecot has filed already (role dovecot)."""

from malleposte.accounts.mailbox.filed import main

__all__ = ["main"]
