"""The mail of a functional box has an owner each: who takes it, who answered, notes that never leave."""
