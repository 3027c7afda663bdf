"""Messages of the own box: what was kept apart, and what became of one."""
