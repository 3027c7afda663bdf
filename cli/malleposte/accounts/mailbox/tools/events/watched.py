"""Agendas that rules of agents watch, for root on the host of the mailboxes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from malleposte.accounts import facts
from malleposte.accounts.mailbox.tools import fields, ledger
from malleposte.accounts.mailbox.tools.events.model import Event, News, Watch
from malleposte.accounts.mailbox.tools.model import Paused, Rule, When
from malleposte.accounts.mailbox.tools.outside import Reach, allowed
from malleposte.accounts.mailbox.tools.store import Store
from malleposte.core.loops import named
from malleposte.platform.mailstore import STORE
from malleposte.runtime import kit, owner

UNTITLED = "(sans titre)"


class Watched:
    """The rules of this host that tell of events."""

    def __init__(
        self, root: Path = STORE, path: Path = ledger.FOLDER / ledger.FILE,
        allows: Callable[[], dict[str, Reach]] = lambda: allowed(facts.read()), clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        """`allows` reads the tools that the academy allows."""
        self._store, self._path, self._allows, self._clock = Store(root), path, allows, clock

    def every(self) -> list[Watch]:
        """Return the rules that tell of events. A rule that may not tell is forgotten here, and begins anew."""
        tools = self._allows()
        with owner.as_owner(self._store.root):
            uids = sorted(path.stem for path in self._store.folder.glob("[!.]*.json"))
        watches: list[Watch] = []
        for uid in uids:
            with named(_failed, uid):
                rules = [one for one in self._store.read(uid) if one.when == When.EVENT]
                if rules:
                    watches += self._of(uid, rules, tools)
        return watches

    def _of(self, uid: str, rules: Sequence[Rule], tools: dict[str, Reach]) -> list[Watch]:
        with ledger.opened(self._path) as orders:
            for rule in rules:
                if not _tells(rule, tools):
                    orders.unwatch(uid, rule.id)
            return [orders.watch(uid, rule) for rule in rules if _tells(rule, tools)]

    def unseen(self, uid: str, ident: str, keys: Sequence[str]) -> list[str]:
        """Return the events of these that a rule does not know."""
        with ledger.opened(self._path) as orders:
            return orders.unseen(uid, ident, keys)

    def note(self, uid: str, ident: str, news: News) -> int:
        """Note the end of a look: order what is told, then know it; return how many events are new orders.

        Where that is done a second time, no event is ordered twice. What an agent may not order is not told.
        """
        rule = next((one for one in self._store.read(uid) if one.id == ident and one.when == When.EVENT), None)
        if rule is None or not _tells(rule, self._allows()):
            return 0
        now, ordered = self._clock(), 0
        with ledger.opened(self._path) as orders:
            for event in news.events:
                if orders.full(uid, now):
                    kit.say(f"<4>{uid}: too many events and messages at once; those that follow are not told")
                    break
                ordered += orders.take_event(uid, rule, _cleaned(event), now)
            orders.looked(uid, ident, news, now)
        return ordered


def _tells(rule: Rule, tools: dict[str, Reach]) -> bool:
    return rule.paused != Paused.STOPPED and rule.tool in tools


def _cleaned(event: Event) -> Event:
    """The event with words that show."""
    title = fields.one_line(event.title, 200) or UNTITLED
    return msgspec.structs.replace(event, title=title, place=fields.one_line(event.place, 200))


def _failed(line: str) -> None:
    kit.say(f"<4>{line}")
