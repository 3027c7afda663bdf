"""Set right what commands of clients leave beside the quota (role dovecot).

Usage: dovecot-quota STORE MEGABYTES

Dovecot names commands of clients on the socket: an event exporter, with the fields `user`, `cmd_name` and `cmd_args`.

- MOVE (RFC 6851) and REPLACE (RFC 8508): Dovecot 2.4.1 writes the message that goes to `maildirsize`, and the one that
  comes in its place not, so that each move lowers the sum. The sum is removed, and Dovecot counts the box anew from the
  names of its files, at its next delivery or question. Where messages went to a shared box, its sum goes as well.
- All of these, EXPUNGE and CLOSE: what was deleted for good is kept for a while, outside the quota. What moved is taken
  out of it again (`platform.expunged`). Beyond MEGABYTES the oldest of it ends, or an agent who saves and deletes again
  and again would fill the disk of everybody.

Commands on one box within a pause count once.
"""

from __future__ import annotations

import asyncio
import re
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from malleposte.core.loops import reason
from malleposte.platform import expunged
from malleposte.platform.identity import is_uid
from malleposte.platform.mailstore import MAILDIR, SHARES, home_of
from malleposte.runtime import kit
from malleposte.runtime.streams import unix_server

PAUSE, TIDY_PAUSE = 2.0, 60.0
"""Seconds from the first command until what moved is set right, and until what was deleted is looked at."""
LATELY = 600.0
"""Seconds within which what the commands left was filed."""
MOST = 10_000
"""Acts that wait at a time; a further one is done at once."""
LONGEST = 262_144
"""Octets of a line: Dovecot takes commands of 64 kB."""
SUM = "maildirsize"
MB = 1024 * 1024
_TO = re.compile(rf'[^ ]+ "?{re.escape(SHARES)}([^/" ]+)')

type Act = Callable[[str], None]


def fields(line: str) -> dict[str, str]:
    """Return the fields of an exporter's line (format `tab-text`)."""
    pairs = (field.removeprefix("field:").partition("=") for field in line.rstrip("\n").split("\t"))
    return {name: value for name, _equals, value in pairs}


def boxes(command: dict[str, str]) -> Iterator[str]:
    """Yield the uids of the boxes whose sums a MOVE or REPLACE may have made wrong."""
    target = _TO.match(command.get("cmd_args", ""))
    yield from filter(is_uid, (command.get("user", ""), target[1] if target else ""))


class Listener:
    """Takes the commands, and acts on their boxes, once after a pause. All of it is for the event loop's thread."""

    def __init__(self, store: Path, most: int, pauses: tuple[float, float] = (PAUSE, TIDY_PAUSE)) -> None:
        """`store`: the folder of the mailboxes; `most`: octets of expunged messages in one box."""
        self.store, self.most, self.pauses = store, most, pauses
        self.waiting = dict[tuple[Act, str], asyncio.TimerHandle]()

    async def serve(self, listeners: Sequence[socket.socket]) -> None:
        """Take lines until cancelled."""
        servers = [await unix_server(one, self._read, LONGEST) for one in listeners]
        try:
            await kit.alive()
        finally:
            for one in servers:
                one.close()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                self.take(line.decode("utf-8", "replace"))
        except ValueError as error:  # a line beyond LONGEST: Dovecot connects again
            kit.say(f"<4>{error}")
        finally:
            writer.close()

    def take(self, line: str) -> None:
        """Note what a command asks for."""
        command = fields(line)
        name = command.get("cmd_name", "").rpartition(" ")[2]
        if name in ("MOVE", "REPLACE"):
            for uid in boxes(command):
                self._after(self.pauses[0], self.set_right, uid)
        if name != "MOVE" and is_uid(uid := command.get("user", "")):
            self._after(self.pauses[1], self.tidy, uid)

    def _after(self, pause: float, act: Act, uid: str) -> None:
        if (act, uid) in self.waiting:
            return
        if len(self.waiting) >= MOST:
            self._do(act, uid)
            return
        self.waiting[act, uid] = asyncio.get_running_loop().call_later(pause, self._do, act, uid)

    def _do(self, act: Act, uid: str) -> None:
        if handle := self.waiting.pop((act, uid), None):
            handle.cancel()
        try:
            act(uid)
        except OSError as error:
            kit.say(f"<4>{uid}: {act.__name__}: {reason(error)}")

    def set_right(self, uid: str) -> None:
        """Remove the sum of a box, and the expunged copies of what moved. Raises OSError."""
        home = home_of(uid, self.store)
        (home / MAILDIR / SUM).unlink(missing_ok=True)
        expunged.drop_living(home, time.time() - LATELY)

    def tidy(self, uid: str) -> None:
        """Remove the expunged copies of what lives elsewhere, and the oldest messages beyond the bound.

        Raises OSError.
        """
        home = home_of(uid, self.store)
        expunged.drop_living(home, time.time() - LATELY)
        if removed := expunged.trim(home, self.most):
            kit.say(f"<5>{uid}: the {removed} oldest deleted messages ended: they took more than {self.most // MB} MB")

    def finish(self) -> None:
        """Do what waits, at the end."""
        for act, uid in tuple(self.waiting):
            self._do(act, uid)


def main(words: Sequence[str]) -> int:
    """Return the exit code."""
    if len(words) != 2 or not words[1].isdigit():
        print("usage: dovecot-quota STORE MEGABYTES", file=sys.stderr)
        return 2
    kit.log_to_journal()
    listener = Listener(Path(words[0]), int(words[1]) * MB)
    return kit.run(kit.until_ended(listener.serve(kit.handed()), listener.finish))
