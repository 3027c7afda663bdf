"""An account's mailbox: filters, senders, queue, deleted messages."""
