"""The daemon of a mail host that keeps the owners of functional boxes' mail (role dovecot).

Usage: owners STORE SPOOL

It carries out the orders of delegates within seconds, some of each agent at a time, and looks at each box every few
minutes: for answers that were sent, for delegates who left, for labels that nobody's order set.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from malleposte.accounts.mailbox.later import spool
from malleposte.accounts.mailbox.owners import script
from malleposte.accounts.mailbox.owners.box import allowed
from malleposte.accounts.mailbox.owners.look import Look
from malleposte.accounts.mailbox.owners.model import Order
from malleposte.accounts.mailbox.owners.store import Store
from malleposte.core.loops import named
from malleposte.platform.identity import is_uid
from malleposte.runtime import kit

PAUSE = 1.0
"""Seconds between two looks at the spool."""
EVERY = 300.0
"""Seconds between the beginnings of two rounds of the boxes. Orders are taken between two boxes."""
NIGHTLY = 86_400.0
OF_AN_AGENT = 5
"""Messages of an agent that a look carries out: whoever labels a thousand waits alone."""
AGAIN, PATIENCE = 15.0, 3600.0
"""Seconds until orders of a box that failed are tried again, and for which they are."""
LARGEST_ORDER = 8192
WORDS = 2


@dataclass
class Keeper:
    """`look` does the work; `allows` says whether the academy lets mail have owners."""

    store: Store
    spool: Path
    look: Look
    allows: Callable[[], bool]
    clock: Callable[[], float] = time.time
    _began: float = 0.0
    _cleaned: float = 0.0
    _round: list[str] = field(default_factory=list)
    _delegates: set[str] = field(default_factory=set)
    _whole: bool = True
    _clean: bool = False
    _resting: dict[str, float] = field(default_factory=dict)
    """Boxes whose orders wait, and until when: none overtakes one that failed."""

    def turn(self) -> int:
        """Carry out orders, then look at the next box, if any; return the number of both. What fails is named."""
        done, now = self.take(), self.clock()
        if not self._round and not 0 <= now - self._began < EVERY and self.allows():
            self._began, self._delegates, self._whole = now, set(), True
            self._clean = not 0 <= now - self._cleaned < NIGHTLY
            self._round = self.store.boxes()[::-1]
            if not self._round:
                self._end_round()
        if not self._round:
            return done
        self._box(self._round.pop())
        if not self._round:
            self._end_round()
        return done + 1

    def take(self) -> int:
        """Carry out the orders of the spool, those on one message together; return the number that were tried.

        One that fails, as while Dovecot starts, is tried again.
        """
        now = self.clock()
        self._resting = {box: until for box, until in self._resting.items() if now < until <= now + AGAIN}
        chosen = self._chosen()
        groups: dict[tuple[str, str, str], list[tuple[Path, Order]]] = {}
        for path, order in chosen:
            groups.setdefault((order.box, order.folder, order.message_id), []).append((path, order))
        for (box, _folder, _ident), several in groups.items():
            if box not in self._resting:
                self._carry_out(box, several, now)
        return len(chosen)

    def _carry_out(self, box: str, several: list[tuple[Path, Order]], now: float) -> None:
        failed: list[str] = []
        with named(failed.append, box):
            self.look.carry_out(order for _path, order in several)
        for line in failed:
            _failed(line)
            self._resting[box] = now + AGAIN
        waits = {path for path, order in several if failed and abs(now - order.at) < PATIENCE}
        spool.remove(self.spool, [path for path, _order in several if path not in waits])

    def _chosen(self) -> list[tuple[Path, Order]]:
        """The orders that are carried out now, the first first; what is no order goes with a word."""
        of_agents: Counter[str] = Counter()
        chosen: list[tuple[Path, Order]] = []
        for path in spool.waiting(self.spool):
            agent = spool.account(path)
            if of_agents[agent] >= OF_AN_AGENT:
                continue
            of_agents[agent] += 1
            order = spool.read(path, Order, _failed, largest=LARGEST_ORDER)
            if not order or not is_uid(order.box):
                spool.remove(self.spool, [path])
            elif order.box not in self._resting:
                chosen.append((path, order))
        return chosen

    def _box(self, box: str) -> None:
        failed: list[str] = []
        with named(failed.append, box):
            self._delegates |= self.look.box(box)
            if self._clean:
                self.look.clean(box)
        for line in failed:
            self._whole = False
            _failed(line)

    def _end_round(self) -> None:
        """Give each delegate a script, once the delegates of all boxes are known."""
        if self._whole:
            with named(_failed, "scripts"):
                script.lay(self.store, self._delegates)
            if self._clean:
                self._cleaned = self._began


def _failed(line: str) -> None:
    kit.say(f"<4>{line}")


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != WORDS or any(word.startswith("-") for word in words):
        print("usage: owners STORE SPOOL", file=sys.stderr)
        return 2
    kit.log_to_journal()
    end = kit.ending()
    store = Store(Path(words[0]))
    keeper = Keeper(store, Path(words[1]), Look(store, kit.say), allowed)
    return kit.look_again(keeper.turn, PAUSE, end, at_once=True)
