"""The things of an account on each host, and the acts on them: here as root, elsewhere through that host's hostd.

`local.LocalHost` acts on this host, `remote.RemoteHost` on another one, `every.Hosts` on all that hold something: it
knows who holds what, and tells by host what failed.
"""
