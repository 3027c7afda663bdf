"""Calls about an agent's mailbox."""
