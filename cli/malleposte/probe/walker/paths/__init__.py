"""The paths that the walker tests, by protocol."""
