"""The directory that a stage of accountd stands on, so that one suite runs in memory and against a slapd.

`tests/stack/shared/accountd/test_slapd_*.py` run it on a slapd of the role's configuration.
"""

import contextlib
from collections.abc import Iterator
from typing import Protocol

from malleposte.directory.protocol import Directory

from tests.support.directory import MemoryDirectory


class Ground[D: Directory](Protocol):
    """A directory for one test."""

    directory: D
    """A connection of the test's own."""

    def opened(self) -> contextlib.AbstractContextManager[D]:
        """A connection as accountd opens one for each request."""

    def expire(self, uid: str) -> None:
        """Let the password of an agent be past its end."""

    def force(self, uid: str, **attributes: list[str]) -> None:
        """Replace attributes of an agent that the directory alone writes."""


class Memory:
    """A directory in memory."""

    def __init__(self) -> None:
        self.directory = MemoryDirectory()

    @contextlib.contextmanager
    def opened(self) -> Iterator[MemoryDirectory]:
        """See Ground."""
        yield self.directory

    def expire(self, uid: str) -> None:
        """See Ground."""
        self.directory.expired.add(f"uid={uid},ou=people,{self.directory.suffix}")

    def force(self, uid: str, **attributes: list[str]) -> None:
        """See Ground."""
        self.directory.force(f"uid={uid},ou=people,{self.directory.suffix}", attributes)
