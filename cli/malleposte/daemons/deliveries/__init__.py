"""The daemon of the index of deliveries (role deliveries)."""
