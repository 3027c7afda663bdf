"""Notices that accountd sends: letters, text messages, word of a wave of protections."""
