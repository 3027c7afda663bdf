"""Agendas and address books that agents share: rooms, boxes, schools, reminders."""
