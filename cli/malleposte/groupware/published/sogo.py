"""The published calendars in SOGo: agendas of a technical user, with rights and subscriptions for their agents.

SOGo's own tool writes the events, for its indexes, into an agenda beside, whose rows then move: it would take away the
rights. Rights and subscriptions go into its tables, since the tool needs half a second an agent; its memcached then
forgets what it knew of them. Rights go first: SOGo drops a subscription without a right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from malleposte.accounts.agendas.model import Collection, Kind
from malleposte.accounts.agendas.sogo import PUBLISHER, SogoStore
from malleposte.adapters.sogo import CALENDAR, Forget, Sql, folders, memcached, rights, tool
from malleposte.adapters.sogo.folders import Folder
from malleposte.adapters.sogo.rights import ANYBODY, NOTHING
from malleposte.groupware.published.model import Items, Shown
from malleposte.groupware.sogo import subscriptions
from malleposte.groupware.sogo.offers import Listed, Offers

READS = "PublicViewer"
TABLE = "malleposte_calendars"
STAGE = ".new"
"""The end of the name of an agenda that is written beside another; no identifier has a dot."""


class Engine:
    """SOGo's database, its tool and its memcached, for SOGo's user."""

    def __init__(self, sql: Sql, forget: Forget, put: tool.Restore = tool.restore) -> None:
        """See the types."""
        self.sql, self.forget = sql, forget
        self.offers = Offers(sql, forget, TABLE)
        self.store = SogoStore("", lambda _database, text: sql(text), put)

    def place(self, shown: Sequence[Shown], items: Items, agents: Set[str], now: float) -> int:
        """Bring SOGo to what is published; the number of changed calendars. `agents`: all who have SOGo."""
        offered = self.offers.read()
        changed = self._write(shown, items)
        there = self._folders()
        for one in shown:
            members = agents if one.members is None else agents & set(one.members)
            folder = there[one.ident]
            parts = (
                folders.entitle(self.sql, folder, one.name),
                rights.keep(self.sql, self.forget, folder, _rights(one, members).items()),
                self._filled(folder, there.get(f"{one.ident}{STAGE}")),
                self.offers.keep(
                    Listed(one.ident, _reference(one.ident), one.colour), members, offered.get(one.ident, {}), int(now)
                ),
            )
            if any(parts):
                changed.add(one.ident)
        theirs = {ident for ident in there if not ident.endswith(STAGE)}
        for ident in (theirs | offered.keys()) - {one.ident for one in shown}:
            if ident in there:
                rights.keep(self.sql, self.forget, there[ident], [(ANYBODY, NOTHING)])
            self.offers.end(Listed(ident, _reference(ident)), offered.get(ident, {}).keys())
            if ident in there:
                folders.remove(self.sql, there[ident])
                self.forget([memcached.rights_key(there[ident])])
            changed.add(ident)
        return len(changed)

    def _write(self, shown: Sequence[Shown], items: Items) -> set[str]:
        """Have the tool write what is new beside the agendas, since it would take away the rights on them; which."""
        for ident, folder in self._folders().items():
            if ident.endswith(STAGE):
                folders.remove(self.sql, folder)
        collections = {one.name: one for one in self.store.read(PUBLISHER) if one.kind == Kind.AGENDA}
        tables: dict[str, Any] = {}
        changed = set()
        for one in shown:
            there = collections.get(one.ident, Collection(Kind.AGENDA, one.ident))
            texts = {item.name: item.text for item in there.items.values()}
            published = {name: tool.printable(text) for name, text in items(one.ident).items()}
            late = {name: text for name, text in published.items() if texts.get(name, "").split() != text.split()}
            gone = {key for key, item in there.items.items() if item.name not in published}
            if gone:
                self.store.remove(PUBLISHER, [there.only(gone)])
            if one.ident not in collections:
                tables[_path(one.ident)] = _table(one.name, {})
            if late:
                tables[_path(f"{one.ident}{STAGE}")] = _table(one.name, late)
            if gone or late or one.ident not in collections:
                changed.add(one.ident)
        tool.write(self.store.put, PUBLISHER, tables)
        return changed

    def _folders(self) -> dict[str, Folder]:
        return folders.find(self.sql, PUBLISHER, CALENDAR)

    def _filled(self, folder: Folder, stage: Folder | None) -> bool:
        """The new events go in. What is the same keeps its place, so that devices fetch what changed alone."""
        if stage is None:
            return False
        folders.move(self.sql, stage, folder)
        folders.remove(self.sql, stage)
        return True


def _rights(one: Shown, members: Iterable[str]) -> dict[str, str]:
    """Rights by uid. Where the system's default roles held, colleagues would see the hours."""
    if one.members is None:
        return {ANYBODY: READS}
    return {ANYBODY: NOTHING, **dict.fromkeys(sorted(members), READS)}


def _reference(ident: str) -> str:
    return subscriptions.reference(PUBLISHER, ident)


def _path(ident: str) -> str:
    return f"{CALENDAR}/{ident}"


def _table(title: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """An agenda as the tool takes it; nobody may look at its events before the rights are there."""
    return tool.folder(title, texts, {ANYBODY: [NOTHING]})
