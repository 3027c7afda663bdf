"""The lab's simulated Internet: its programs, which roles world_* start from an archive of their own."""
