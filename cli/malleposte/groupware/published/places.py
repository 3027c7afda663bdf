"""The places of published calendars in Radicale's store."""

PREFIX = "published-"
"""The beginning of the name under which an agent's home shows one."""
FOLDER = ".published"
"""In the folder of collections: one folder a calendar, for all its agents."""
SHOWN = "published.json"
"""Beside the folder of collections: identifiers of calendars, and the uids of their agents; null for all."""
