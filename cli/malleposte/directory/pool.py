"""Bound connections to the directory that daemons use again: a bind costs as much as two searches."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from malleposte.directory.ldap import LdapDirectory
from malleposte.runtime.idle import Idle

MOST = 8
SECONDS = 30.0
"""Connections that wait for the next use, and for how long."""


class Pool:
    """Connections of one program, all bound as the same. Thread-safe."""

    def __init__(self, bind: Callable[[], LdapDirectory], most: int = MOST, seconds: float = SECONDS) -> None:
        """`bind` makes a connection. Raises DirectoryError."""
        self._bind = bind
        self._idle = Idle[LdapDirectory](most, seconds)

    @contextlib.contextmanager
    def directory(self) -> Iterator[LdapDirectory]:
        """A connection for a block. One whose block failed is not used again: an answer may still be on its way.

        Raises DirectoryError.
        """
        one = self._idle.take() or self._bind()
        try:
            yield one
        except BaseException:
            one.close()
            raise
        self._idle.put(one)
