"""The places of published calendars on their host, and in Radicale's store."""

from pathlib import Path

PREFIX = "published-"
"""The beginning of their names in an agent's home."""
FOLDER = ".published"
"""The folder of their events, beside the agents' homes: its name is in no address."""
SHOWN = "published.json"
"""The file of who is shown which, beside the folder of collections: uids by identifier, null for all agents."""
OF_BOX = "box."
"""The beginning of the identifiers of those; a published calendar's has no dot."""
BOXES = Path("/var/lib/malleposte-box-agendas")
"""The store of the agendas of functional mailboxes that agents with the light agenda read (`groupware.sogo.copies`)."""
