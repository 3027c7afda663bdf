"""Proofs of an account's owner: passwords, codes, second factors, the first log-in."""
