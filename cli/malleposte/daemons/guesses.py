"""Tells the journal of a host which addresses guess passwords, on whatever service and host they do: fail2ban reads it.

The daemons that count wrong passwords leave such an address in the platform's Valkey (`throttle`). This one
looks there every few seconds, and notes how far it has read: what was left while the host was down is told as well.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

from malleposte.adapters.valkey import Unavailable, Valkey
from malleposte.runtime import durable, kit
from malleposte.throttle import GUESSERS

PAUSE = 5.0  # seconds
KEYS = frozenset(("server", "username", "password"))


class Teller:
    """Reads on from where it has read."""

    def __init__(self, store: Valkey, note: Path) -> None:
        """`note`: the file that says how far it has read."""
        self.store, self.note = store, note
        self.silent = False

    def turn(self) -> None:
        """Tell what is new. One line where Valkey begins to be silent, one where it answers again."""
        try:
            last = kit.state(self.note, float) or 0.0
            guessers = self.store.since(GUESSERS, last)
        except Unavailable as error:
            if not self.silent:
                kit.say(f"<4>nobody is banned for guesses elsewhere meanwhile: {error}")
            self.silent = True
            return
        if self.silent:
            kit.say("<5>Valkey answers again")
        self.silent = False
        for address, moment in guessers:
            kit.say(f"guesses: rip={address}")
            durable.write(self.note, repr(moment))


def main(words: Sequence[str]) -> int:
    """The exit code."""
    return kit.start(words, "guesses", __doc__, _read, _serve)


def _read(path: Path) -> dict[str, str]:
    document: dict[str, str] = json.loads(path.read_text("utf-8"))
    if set(document) != KEYS:
        raise ValueError(f"not {', '.join(sorted(KEYS))}")
    return document


def _serve(settings: dict[str, str]) -> int:
    teller = Teller(
        Valkey(settings["server"], settings["username"], settings["password"]),
        Path(os.environ["STATE_DIRECTORY"]) / "last",
    )
    kit.tell("READY=1")
    while True:
        teller.turn()
        kit.tell("WATCHDOG=1")
        time.sleep(PAUSE)
