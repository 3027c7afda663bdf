"""Common code of the stack tests: access to the lab, clients of its protocols, accounts made for one test."""
