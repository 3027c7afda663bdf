"""The hosts of an inventory: which there are, what is known of them, the way to each."""
