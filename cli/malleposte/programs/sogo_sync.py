"""Bring SOGo to the directory: rooms, boxes' agendas, calendars, schools' address books, senders (role sogo)."""

from malleposte.groupware.sogo.sync import main

__all__ = ["main"]
