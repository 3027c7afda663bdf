"""The front page: services, notices, hours, tiles."""
