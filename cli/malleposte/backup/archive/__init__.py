"""A host's own backups: their settings, borg, the runs and their results, the archives that a vault holds."""
