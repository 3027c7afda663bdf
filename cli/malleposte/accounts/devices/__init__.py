"""Devices of agents: each mail program or telephone has a password of its own, which opens what it needs and no more.

`follow` keeps entries in step with their owners, `acts` makes and revokes them, `uses` knows when each was last used,
`notice` writes to the owner.
"""
