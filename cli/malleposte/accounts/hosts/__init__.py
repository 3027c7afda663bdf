"""The things of an account on each host, and the acts on them: here as root, elsewhere through that host's hostd.

An act is a function in `acts`, declared by `table.act`. `local.LocalHost` does it on this host, `remote.RemoteHost` on
another one, `every.Hosts` on those of all hosts that it concerns; `hostd.Hostd` asks for that from another user.
"""
