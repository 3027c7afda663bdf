"""The daemon of a mail host that moves mail to the inbox in time: what waits in « Hors horaires », and what comes back
from the folders of « Rappeler plus tard » (role dovecot).

Usage: hours STORE

No table says what is due: the agent's choice and the clock do (`due`). Mail is due that was filed before a moment. So
whatever happened meanwhile, a stop, a reboot, a clock that was set, a move by hand, the next look ends in the same
place. An agent is looked at when a span begins or ends, soon after, for mail that was on its way to the folder, and now
and then; agents who chose nothing have no file here and cost nothing.

A move is a copy and a removal. Where doveadm or this host ended between them, a message lies in both folders under one
GUID: boxes of the last process, noted before it began, are looked through first (`moves.settle`).
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from malleposte.accounts.mailbox.hours import moves
from malleposte.accounts.mailbox.hours.due import again, due
from malleposte.accounts.mailbox.hours.model import Hours
from malleposte.accounts.mailbox.hours.moves import Box
from malleposte.accounts.mailbox.hours.store import Stamp, Store
from malleposte.core.errors import MallepostError
from malleposte.core.loops import named
from malleposte.runtime import durable, kit

PAUSE = 5.0
"""Seconds between two looks at the clock."""
LEAP = 3.0
"""Seconds by which the clock was set, at least, when it and the time since the last look disagree."""
AWAY = 120.0
"""Seconds until a box that could not be moved, or hours that could not be read, are tried again."""
NOTE = "moving.json"


@dataclass
class Watched:
    """An agent with hours: the file's stamp, and when (seconds since 1970) to look again."""

    stamp: Stamp
    hours: Hours
    again: float = 0.0


@dataclass
class Mover:
    """`state` is a folder of the daemon's own; `clock` in seconds since 1970."""

    root: Path
    state: Path
    store: Store
    move: Callable[[Sequence[Box]], list[str]] = moves.move
    settle: Callable[[str], None] = moves.settle
    clock: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic
    watched: dict[str, Watched] = field(default_factory=dict)
    _changed: int = -1
    _unread: float = math.inf
    """The time at which files that could not be read are read again."""
    _offset: float = 0.0
    _doubtful: set[str] = field(default_factory=set)

    def begin(self) -> None:
        """Read which boxes the last process was at when it ended."""
        self._doubtful = set(durable.read_state(self.state / NOTE, json.loads, kit.say) or ())
        self._offset = self.clock() - self.steady()

    def look(self) -> int:
        """Move what is due, and return the number of boxes. What fails is named, and tried again."""
        self._take_news()
        if abs(self.clock() - self.steady() - self._offset) > LEAP:
            kit.say("<5>the clock was set: all agents with hours are looked at")
            self._offset = self.clock() - self.steady()
            for one in self.watched.values():
                one.again = 0.0
        now = self.clock()
        waiting = [uid for uid, one in self.watched.items() if one.again <= now]
        boxes = [box for uid in waiting for box in self._due(uid, now)]
        moved = 0
        for some in moves.batches(boxes):
            moved += self._move(some)
        return moved

    def _take_news(self) -> None:
        """Read the hours that changed. A file that cannot be read leaves those of before in force, for now."""
        changed = self.store.changed()
        if changed == self._changed and self.clock() < self._unread:
            return
        stamps = self.store.stamps()
        for uid in self.watched.keys() - stamps.keys():
            del self.watched[uid]
        failed = list[str]()
        for uid, stamp in stamps.items():
            before = self.watched.get(uid)
            if before and before.stamp == stamp:
                continue
            with named(failed.append, uid):
                self.watched[uid] = Watched(stamp, self.store.refresh(uid))
        for line in failed:
            _failed(line)
        self._changed, self._unread = changed, self.clock() + AWAY if failed else math.inf

    def _due(self, uid: str, now: float) -> list[Box]:
        """The parts of the box of which mail is due; and when to look again."""
        one = self.watched[uid]
        one.again = again(one.hours, now)
        boxes: list[Box] = []
        with named(_failed, uid):
            boxes += [box for part in due(one.hours, now) if (box := moves.waiting(uid, self.root, part))]
        return boxes

    def _move(self, boxes: Sequence[Box]) -> int:
        uids = [one.uid for one in boxes]
        failed: list[str] = []
        for uid in uids:
            if uid in self._doubtful:
                with named(failed.append, uid):
                    self.settle(uid)
                    self._doubtful.discard(uid)
        ready = [one for one in boxes if one.uid not in self._doubtful]
        durable.write(self.state / NOTE, json.dumps(sorted({*uids, *self._doubtful})), 0o600)
        left: list[str] = []
        try:
            left = self.move(ready)
        except MallepostError as error:
            left = [one.uid for one in ready]
            failed.append(str(error))
        for line in failed:
            _failed(line)
        for uid in left:
            self._doubtful.add(uid)
            self.watched[uid].again = self.clock() + AWAY
        for one in ready:
            if one.count > moves.MOST and one.uid not in left:
                self.watched[one.uid].again = 0.0
        if not self._doubtful:
            (self.state / NOTE).unlink(missing_ok=True)
        return len(ready) - len(left)


def _failed(line: str) -> None:
    kit.say(f"<4>{line}")


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != 1:
        print("usage: hours STORE", file=sys.stderr)
        return 2
    kit.log_to_journal()
    root, end = Path(words[0]), kit.ending()
    mover = Mover(root, Path(os.environ.get("STATE_DIRECTORY", "/var/lib/malleposte-hours")), Store(root))
    mover.begin()
    return kit.look_again(mover.look, PAUSE, end)
