"""Send by mail the reminders of events in Radicale's store (role radicale)."""

from malleposte.groupware.reminder_mails import main

__all__ = ["main"]
