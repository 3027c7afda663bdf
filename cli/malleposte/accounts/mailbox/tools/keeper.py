"""The daemon of a mail host that has messages told to tools (role dovecot). It has no way to the network but to mail.

Usage: tools STORE SPOOL HOST:PORT POSTMASTER DELIVERY_DOMAIN PAGE

It takes orders from the spool into the ledger, and gives those that are due to the daemon that tells (`send`). Each
rule of each agent is a queue of its own: one that waits makes no other wait. A tool that is slow for everybody has a
part of the places alone, and so has an agent.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from malleposte.accounts import facts
from malleposte.accounts.mailbox.later import spool
from malleposte.accounts.mailbox.later.sender import state_of
from malleposte.accounts.mailbox.tools import ledger, letter, sealed, send
from malleposte.accounts.mailbox.tools.kinds.base import Outcome, Verdict
from malleposte.accounts.mailbox.tools.ledger import Ledger
from malleposte.accounts.mailbox.tools.links import Links
from malleposte.accounts.mailbox.tools.model import (
    DAY,
    PATIENCE,
    Order,
    Row,
    Rule,
    State,
)  # fmt: skip
from malleposte.accounts.mailbox.tools.order import FULL
from malleposte.accounts.mailbox.tools.send import Delivery
from malleposte.accounts.mailbox.tools.store import Store
from malleposte.core.errors import MallepostError
from malleposte.core.loops import named
from malleposte.platform import letters
from malleposte.runtime import durable, kit, owner

PAUSE = 1.0
"""Seconds between two looks."""
CLEAN = 3600.0
LONGEST_PAUSE = 1800.0
PAUSED = 300.0
"""Seconds until an order of a paused rule is looked at again."""
PLACES, OF_A_TOOL, OF_AN_AGENT = 24, 6, 2
TELL = ("active", "expired")
"""States of an account whose rules tell; that of a blocked one is another until its block is taken away."""
BARRED = "barred"
"""Detail of ours: the account could send nothing meanwhile."""
LARGEST_ORDER = 8192
MOST_FILES = 500
"""Files of the spool that a look takes."""
WORDS = 6

type Lane = tuple[str, str]
type Write = Callable[[str, str, str], None]
"""Write to an agent about a tool."""


@dataclass
class Keeper:
    """`tell` gives a note to the daemon that tells; `active` says whether an account's rules may tell."""

    store: Store
    spool: Path
    ledger: Ledger
    links: Links
    write: Write
    tell: Callable[[Delivery], Verdict] = send.ask
    active: Callable[[str], bool] = field(default=lambda uid: state_of(uid) in TELL)
    clock: Callable[[], float] = time.time
    pool: Executor | None = None
    _busy: dict[Lane, str] = field(default_factory=dict)
    _served: dict[Lane, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _cleaned: float = 0.0

    def look(self) -> int:
        """Take new orders, begin what is due, and return the number. What fails is named, and tried again."""
        self.take()
        now = self.clock()
        if not 0 <= now - self._cleaned < CLEAN:
            self._cleaned = now
            self.ledger.clean(now)
            self._served = {lane: at for lane, at in self._served.items() if now - at < DAY}
        begun = self._next(self.ledger.due(now))
        for row in begun:
            if self.pool:
                self.pool.submit(self._one, row)
            else:
                self._one(row)
        return len(begun)

    def take(self) -> None:
        """Take orders of the spool into the ledger, in the order in which they were given."""
        spool.empty(self.spool, Order, self._take, _failed, largest=LARGEST_ORDER, most=MOST_FILES)
        self._free()

    def _take(self, order: Order) -> None:
        """Write an order down, within what its agent may give. Raises MallepostError, for as long as it is worth it."""
        try:
            rule = self._rule(order.uid, order.rule)
        except MallepostError as error:
            if self.clock() - order.at <= PATIENCE:
                raise
            _failed(f"{order.uid}: an order is given up: {error}")
            return
        if not rule:
            return
        if self.ledger.full(order.uid, self.clock()):
            with owner.as_owner(self.store.root):
                durable.write(self.spool / FULL / order.uid, b"", 0o600)
            return
        self.ledger.take(order, rule.tool, self.links.of(order.uid, order.message_id))

    def _free(self) -> None:
        """Let those give orders again who have room."""
        with owner.as_owner(self.store.root):
            full = list((self.spool / FULL).glob("[!.]*"))
        for path in full:
            with named(_failed, path.name):
                if not self.ledger.full(path.name, self.clock()):
                    with owner.as_owner(self.store.root):
                        path.unlink(missing_ok=True)

    def _next(self, due: Sequence[Row]) -> list[Row]:
        """The orders to begin: of whom was served longest ago first, within the places of tools and agents."""
        with self._lock:
            tools, agents = Counter(self._busy.values()), Counter(uid for uid, _rule in self._busy)
            begun: list[Row] = []
            for row in sorted(due, key=lambda row: self._served.get((row.uid, row.rule), 0.0)):
                lane = (row.uid, row.rule)
                if len(self._busy) == PLACES:
                    break
                if lane in self._busy or tools[row.tool] >= OF_A_TOOL or agents[row.uid] >= OF_AN_AGENT:
                    continue
                tools[row.tool] += 1
                agents[row.uid] += 1
                self._busy[lane], self._served[lane] = row.tool, self.clock()
                begun.append(row)
            return begun

    def _one(self, row: Row) -> None:
        failed: list[str] = []
        try:
            with named(failed.append, f"{row.uid}: {row.rule}"):
                self.carry_out(row)
            for line in failed:
                _failed(line)
                self._later(row, Verdict(Outcome.LATER, "fault"))
        finally:
            with self._lock:
                self._busy.pop((row.uid, row.rule), None)

    def carry_out(self, row: Row) -> None:
        """Do what is next for an order. Raises MallepostError, OSError."""
        now, rule = self.clock(), self._rule(row.uid, row.rule)
        if rule is None:
            self._end(row, State.ENDED, "rule")
        elif not self.active(row.uid):
            self._barred(row, now)
        elif now - row.made > PATIENCE:
            self._end(row, State.ENDED, row.detail or "away")
            if not rule.paused and self.ledger.to_write(row.uid, row.rule, letter.AWAY, now, PATIENCE):
                self.write(row.uid, letter.AWAY, row.tool)
        elif rule.paused:
            self.ledger.delay(row.uid, row.rule, now + PAUSED)
        else:
            delivery = Delivery(row.uid, row.rule, rule.tool, rule.shown, rule.sealed, row.parsed())
            self._note(row, rule, self.tell(delivery))

    def _barred(self, row: Row, now: float) -> None:
        """Let an order of an account that may not send wait, as long as one whose tool is away."""
        if now - row.made > PATIENCE:
            self._end(row, State.ENDED, BARRED)
        else:
            self.ledger.delay(row.uid, row.rule, now + PAUSED)

    def _note(self, row: Row, rule: Rule, verdict: Verdict) -> None:
        """Note what a tool answered to an order by this rule."""
        if verdict.outcome == Outcome.DONE:
            self._end(row, State.TOLD, "")
            self.ledger.written_off(row.uid, row.rule)
        elif verdict.outcome == Outcome.REFUSED:
            self._end(row, State.ENDED, verdict.detail)
        elif verdict.outcome == Outcome.REVOKED and self.store.revoke(row.uid, rule):
            now = self.clock()
            kit.say(f"<5>{row.uid}: {row.tool}: the access has ended ({verdict.detail}); the rule is paused")
            self.ledger.change(row.id, now, detail=verdict.detail, tries=row.tries + 1)
            self.ledger.delay(row.uid, row.rule, now + PAUSED)
            if self.ledger.to_write(row.uid, row.rule, letter.REVOKED, now, DAY):
                self.write(row.uid, letter.REVOKED, row.tool)
        else:
            self._later(row, verdict)

    def _later(self, row: Row, verdict: Verdict) -> None:
        """Try again after a pause, the whole queue of the rule."""
        now = self.clock()
        self.ledger.change(row.id, now, detail=verdict.detail, tries=row.tries + 1)
        self.ledger.delay(row.uid, row.rule, now + max(pause(row.tries), verdict.pause))

    def _end(self, row: Row, state: State, detail: str) -> None:
        self.ledger.change(row.id, self.clock(), state=state, detail=detail, note="")

    def _rule(self, uid: str, ident: str) -> Rule | None:
        return next((rule for rule in self.store.read(uid) if rule.id == ident), None)


def pause(tries: int) -> float:
    """Seconds until the next try."""
    return float(min(5.0 * 2 ** min(tries, 10), LONGEST_PAUSE))


def _failed(line: str) -> None:
    kit.say(f"<4>{line}")


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != WORDS or any(word.startswith("-") for word in words):
        print("usage: tools STORE SPOOL HOST:PORT POSTMASTER DELIVERY_DOMAIN PAGE", file=sys.stderr)
        return 2
    kit.log_to_journal()
    end = kit.ending()
    root, spool, server, postmaster, domain, page = Path(words[0]), Path(words[1]), *words[2:]

    def write(uid: str, about: str, tool: str) -> None:
        with owner.as_owner(root):  # who may send without a password is the store's user
            message = letter.compose(postmaster, uid, about, tool, page)
            letters.hand_over(letters.server_of(server), message, [f"{uid}@{domain}"])

    try:
        links = Links(sealed.read_key(), facts.read()["hostnames"]["portal"])
    except (MallepostError, KeyError, TypeError) as error:
        kit.say(f"<3>{error}")
        return 1
    state = Path(os.environ.get("STATE_DIRECTORY", str(ledger.FOLDER)))
    try:
        queue = Ledger(state / ledger.FILE)
    except sqlite3.DatabaseError as error:
        aside = durable.set_aside(state / ledger.FILE)
        kit.say(f"<3>the ledger cannot be read ({error}): it is {aside.name} now; what waited is not told")
        queue = Ledger(state / ledger.FILE)
    with ThreadPoolExecutor(PLACES) as pool:
        keeper = Keeper(Store(root), spool, queue, links, write, pool=pool)
        return kit.look_again(keeper.look, PAUSE, end)
