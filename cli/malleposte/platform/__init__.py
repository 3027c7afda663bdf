"""Decisions that the whole platform shares, one module each: a uid, the place of a mailbox, the form of a time."""
