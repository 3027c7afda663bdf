"""The watch on a host: its measures, what is wrong by them, and the notes that silence an alarm for a while."""
