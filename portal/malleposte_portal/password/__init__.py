"""Passwords: the page on them, a change, and the tester of strength."""

from malleposte_portal.password import pages, strength

SUBJECTS = (pages.SUBJECT, strength.SUBJECT)
