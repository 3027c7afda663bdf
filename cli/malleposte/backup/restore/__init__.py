"""Restores: the directory, databases, agendas, mail, or everything of a host."""
