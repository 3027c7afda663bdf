"""Tests with accounts of their own that change nothing for others: they run beside each other."""
