"""« Archivage »: by night, old mail of the inbox goes to « Archives » by year; the agent chooses it and can undo it."""
