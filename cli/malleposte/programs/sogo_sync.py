"""Bring SOGo to the directory: rooms, boxes' agendas, calendars, schools' address books, senders (role sogo)."""

from malleposte.groupware.sync import main

__all__ = ["main"]
