"""The hours of an agent: mail that comes outside them waits in « Hors horaires », and moves to the inbox in time."""
