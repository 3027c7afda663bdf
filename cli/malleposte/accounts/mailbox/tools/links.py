"""Links to a message: `https://PORTAL/lien/…` opens it for its owner, in the box as it is then.

A link has the agent and the Message-ID, sealed: it says neither, and nobody makes one. It opens nothing by itself: its
owner logs in.
"""

from __future__ import annotations

from malleposte.accounts.mailbox.tools.sealed import LINKS, Seal
from malleposte.core.errors import MallepostError

PLACE = "/lien/"
LONGEST = 800
"""Characters of what follows."""
_ABOUT = "link"


class Links:
    """Makes and reads links. `portal` is its host's name."""

    def __init__(self, secret: str, portal: str) -> None:
        """Raises MallepostError."""
        self._seal, self._portal = Seal(secret, LINKS), portal

    def of(self, uid: str, message_id: str) -> str:
        """The link to a message of an agent."""
        return f"https://{self._portal}{PLACE}{self._seal.close(f'{uid}\0{message_id}'.encode(), _ABOUT)}"

    def message_id(self, uid: str, word: str) -> str:
        """The Message-ID behind a link that is this agent's; empty for any other link, and for what is none."""
        if len(word) > LONGEST or not word.isascii():
            return ""
        try:
            owner, _nul, message_id = self._seal.open(word, _ABOUT).decode().partition("\0")
        except (MallepostError, UnicodeDecodeError):
            return ""
        return message_id if owner == uid else ""
