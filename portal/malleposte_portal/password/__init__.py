"""Passwords: the page of them, a change, and the tester of strength."""
