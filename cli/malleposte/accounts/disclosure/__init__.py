"""Copies of their own data that agents ask for: where they lie, who makes them, the letters about them."""
