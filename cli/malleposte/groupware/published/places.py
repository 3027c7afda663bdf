"""The places of published calendars on their host, and in Radicale's store."""

from pathlib import Path

PREFIX = "published-"
"""The beginning of their names in an agent's home."""
FOLDER = ".published"
"""The folder of their events, beside the agents' homes: its name is in no address."""
SHOWN = "published.json"
"""The file of who is shown which, beside the folder of collections: uids by identifier, null for all agents."""
OF_BOX, BOOK_OF = "box.", "book."
"""The beginnings of the identifiers of agendas of mailboxes and of address books of teams; a published calendar's has
no dot."""
BOXES = Path("/var/lib/malleposte-box-agendas")
"""The store of those, which agents with the light agenda read (`groupware.sogo.copies`)."""
