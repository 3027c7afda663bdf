"""The archives on a backup server: compared, pruned, checked."""
