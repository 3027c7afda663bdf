"""What the stack tests share: the way to the lab, clients of its protocols, accounts made for one test."""
