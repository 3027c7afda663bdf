"""Room for the files of messages that an agent writes in SOGo.

SOGo lays them in a folder of each message below one of the agent, in its spool: files that are attached, and those of
drafts and messages that are opened for writing. They go when the message leaves; those of a window that was closed go a
day later.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

LOG = logging.getLogger("sogo-front")
WRITING = frozenset({"compose", "edit", "forward", "forwardMessages", "reply", "replyall", "save"})
"""The methods of SOGo's pages of mail that write into the spool (`product.plist` of its MailerUI)."""
LEAST = 65_536
"""Bytes for which a message counts at least: the number of empty ones is bounded too."""
FULL = (
    "Les fichiers des messages que vous écrivez occupent toute la place prévue. "
    "Envoyez ces messages ou retirez-en des fichiers. Sinon, réessayez demain."
)


def writes(target: str) -> bool:
    """Say whether a request to this target may lay files of a message in the spool."""
    segments = unquote(target.partition("?")[0]).split("/")
    return "Mail" in segments and not WRITING.isdisjoint(segments)


@dataclass(frozen=True)
class Spool:
    """SOGo's spool, and the bytes that the messages of an agent may take in it."""

    folder: Path
    room: int

    def full(self, agent: str) -> bool:
        """Say whether the messages of an agent take all their room; a folder that cannot be read is logged alone."""
        if not agent or agent in {".", ".."} or "/" in agent:
            return False
        try:
            with os.scandir(self.folder / agent) as messages:
                return sum(max(size(Path(one.path)), LEAST) for one in messages) >= self.room
        except FileNotFoundError:
            return False
        except OSError as error:
            LOG.error("%s: %s", self.folder / agent, error.strerror)
            return False


def size(folder: Path) -> int:
    """Return the bytes of the files of a message. Raises OSError, but none for what goes meanwhile."""
    total = 0
    try:
        with os.scandir(folder) as files:
            for one in files:
                try:
                    total += one.stat(follow_symlinks=False).st_size
                except FileNotFoundError:
                    continue
    except (FileNotFoundError, NotADirectoryError):
        return total
    return total
