"""The calls of a help desk on other agents' accounts and boxes."""
