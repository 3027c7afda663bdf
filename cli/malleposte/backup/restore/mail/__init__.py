"""Restores of mailboxes, whole or message by message."""
