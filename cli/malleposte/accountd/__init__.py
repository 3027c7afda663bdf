"""accountd: the one process that may write passwords, hold keys and end sessions for the portal, and its client.

`wire` and `client` stand alone (standard library): they are all that the portal imports. The rest runs as accountd.
"""
