"""The watch, on the lab."""
