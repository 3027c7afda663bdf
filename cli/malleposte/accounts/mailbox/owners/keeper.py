"""The daemon of a mail host that keeps the owners of functional boxes' mail (role dovecot).

Usage: owners STORE SPOOL

It carries out the orders of delegates within a second, some of each agent at a time, and looks at each box every few
minutes: for answers that were sent, for delegates who left, for labels that nobody's order set.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from malleposte.accounts.mailbox.later import spool
from malleposte.accounts.mailbox.owners import script
from malleposte.accounts.mailbox.owners.box import allowed
from malleposte.accounts.mailbox.owners.look import Look
from malleposte.accounts.mailbox.owners.model import Order
from malleposte.accounts.mailbox.owners.store import Store
from malleposte.core.loops import named
from malleposte.platform.identity import is_uid
from malleposte.runtime import kit, owner

PAUSE = 1.0
"""Seconds between two looks at the spool."""
EVERY = 120.0
"""Seconds between two looks at the boxes."""
NIGHTLY = 86_400.0
OF_AN_AGENT = 10
"""Messages of an agent that a look carries out: whoever labels a thousand waits alone."""
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
    _looked: float = 0.0
    _cleaned: float = 0.0

    def turn(self) -> int:
        """Carry out orders, and look at the boxes when it is time; how many orders. What fails is named."""
        now, done = self.clock(), self.take()
        if not 0 <= now - self._looked < EVERY:
            self._looked = now
            if self.allows():
                self._boxes(clean=not 0 <= now - self._cleaned < NIGHTLY)
        return done

    def take(self) -> int:
        """Carry out the orders of the spool, those on one message together; how many were taken."""
        chosen = self._chosen()
        groups: dict[tuple[str, str, str], list[tuple[Path, Order]]] = {}
        for path, order in chosen:
            groups.setdefault((order.box, order.folder, order.message_id), []).append((path, order))
        for (box, _folder, _ident), several in groups.items():
            with named(_failed, box):
                self.look.carry_out(order for _path, order in several)
            self._remove(path for path, _order in several)
        return len(chosen)

    def _chosen(self) -> list[tuple[Path, Order]]:
        """The orders that are carried out now, the first first; what is no order goes with a word."""
        with owner.as_owner(self.spool):
            there = sorted(self.spool.glob(f"[!.]*{spool.SUFFIX}"), key=lambda path: path.name.split(".")[-2])
        of_agents: Counter[str] = Counter()
        chosen: list[tuple[Path, Order]] = []
        for path in there:
            agent = path.name.rsplit(".", 2)[0]
            if of_agents[agent] >= OF_AN_AGENT:
                continue
            of_agents[agent] += 1
            order = self._read(path, agent)
            if order:
                chosen.append((path, order))
            else:
                self._remove([path])
        return chosen

    def _read(self, path: Path, agent: str) -> Order | None:
        try:
            order = msgspec.json.decode(owner.read(path)[:LARGEST_ORDER], type=Order)
        except (msgspec.MsgspecError, OSError) as error:
            _failed(f"{path.name}: no order: {error}")
            return None
        return order if order.uid == agent and is_uid(agent) and is_uid(order.box) else None

    def _remove(self, paths: Iterable[Path]) -> None:
        with owner.as_owner(self.spool):
            for path in paths:
                path.unlink(missing_ok=True)

    def _boxes(self, *, clean: bool) -> None:
        delegates: set[str] = set()
        failed: list[str] = []
        for box in self.store.boxes():
            with named(failed.append, box):
                delegates |= self.look.box(box)
                if clean:
                    self.look.clean(box)
        if not failed:
            with named(failed.append, "scripts"):
                script.lay(self.store, delegates)
            if clean:
                self._cleaned = self.clock()
        for line in failed:
            _failed(line)


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
    return kit.look_again(keeper.turn, PAUSE, end)
