"""accountd: the one process that may write passwords, hold keys and end sessions for the portal, and its client.

The portal imports `client`, `message` and what it asks for of `calls`. The rest runs as accountd.
"""
