"""The published calendars in SOGo: agendas of a technical user, with rights and subscriptions for their agents.

SOGo's own tool writes the events, for its indexes, into an agenda beside, whose rows then move: it would take away the
rights. Rights and subscriptions go into its tables, since the tool needs half a second an agent; its memcached then
forgets what it knew of them. Rights go first: SOGo drops a subscription without a right.
"""

from __future__ import annotations

import plistlib
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from malleposte.accounts.agendas import folders, rights
from malleposte.accounts.agendas.model import Collection, Kind
from malleposte.accounts.agendas.rights import ANYBODY, NOTHING, Forget, Sql
from malleposte.accounts.agendas.sogo import (
    PUBLISHER,
    Restore,
    SogoStore,
    printable,
    quoted,
    restore,
    rows,
)
from malleposte.groupware import subscriptions
from malleposte.groupware.offers import Listed, Offers
from malleposte.groupware.published.model import Items, Shown

READS = "PublicViewer"
TABLE = "malleposte_calendars"
STAGE = ".new"
"""The end of the name of an agenda that is written beside another; no identifier has a dot."""

_FOLDERS = """SELECT row_to_json(one) FROM (SELECT c_path4 AS ident, c_folder_id AS id, c_foldername AS title
  FROM sogo_folder_info WHERE c_path2 = {publisher} AND c_path3 = 'Calendar') AS one;"""
_MOVE = """BEGIN;
UPDATE sogo_store n SET c_version = 1 + greatest(n.c_version, o.c_version) FROM sogo_store o
  WHERE n.c_folder_id = {stage} AND o.c_folder_id = {id} AND o.c_name = n.c_name;
DELETE FROM sogo_store o USING sogo_store n
  WHERE n.c_folder_id = {stage} AND o.c_folder_id = {id} AND o.c_name = n.c_name;
DELETE FROM sogo_quick_appointment o USING sogo_store n
  WHERE n.c_folder_id = {stage} AND o.c_folder_id = {id} AND o.c_name = n.c_name;
UPDATE sogo_store SET c_folder_id = {id}, c_lastmodified = extract(epoch FROM now())::int WHERE c_folder_id = {stage};
UPDATE sogo_quick_appointment SET c_folder_id = {id} WHERE c_folder_id = {stage};
COMMIT;
"""


@dataclass(frozen=True)
class _Folder:
    """An agenda of the technical user's: its number in the tables, its title."""

    id: int
    title: str


class Engine:
    """SOGo's database, its tool and its memcached, for SOGo's user."""

    def __init__(self, sql: Sql, forget: Forget, put: Restore = restore) -> None:
        """See the types."""
        self.sql, self.forget = sql, forget
        self.offers = Offers(sql, forget, TABLE)
        self.store = SogoStore("", lambda _database, text: sql(text), put)

    def place(self, shown: Sequence[Shown], items: Items, agents: Set[str], now: float) -> int:
        """Bring SOGo to what is published; the number of changed calendars. `agents`: all who have SOGo."""
        offered = self.offers.held()
        changed = self._write(shown, items)
        held = self._folders()
        for one in shown:
            members = agents if one.members is None else agents & set(one.members)
            parts = (
                self._titled(held[one.ident], one.name),
                self._granted(held[one.ident], one.ident, _rights(one, members)),
                self._filled(held[one.ident], held.get(f"{one.ident}{STAGE}")),
                self.offers.keep(
                    Listed(one.ident, _reference(one.ident), one.colour), members, offered.get(one.ident, {}), int(now)
                ),
            )
            if any(parts):
                changed.add(one.ident)
        theirs = {ident for ident in held if not ident.endswith(STAGE)}
        for ident in (theirs | offered.keys()) - {one.ident for one in shown}:
            if ident in held:
                self._granted(held[ident], ident, {ANYBODY: NOTHING})
            self.offers.end(Listed(ident, _reference(ident)), offered.get(ident, {}).keys())
            if ident in held:
                self.sql(folders.remove(held[ident].id, subscriptions.CALENDAR))
                self.forget([rights.Agenda(held[ident].id, PUBLISHER, ident).key])
            changed.add(ident)
        return len(changed)

    def _write(self, shown: Sequence[Shown], items: Items) -> set[str]:
        """Have the tool write what is new beside the agendas, since it would take away the rights on them; which."""
        for ident, folder in self._folders().items():
            if ident.endswith(STAGE):
                self.sql(folders.remove(folder.id, subscriptions.CALENDAR))
        held = {one.name: one for one in self.store.read(PUBLISHER) if one.kind == Kind.AGENDA}
        tables: dict[str, Any] = {}
        changed = set()
        for one in shown:
            there = held.get(one.ident, Collection(Kind.AGENDA, one.ident))
            texts = {item.name: item.text for item in there.items.values()}
            wanted = {name: printable(text) for name, text in items(one.ident).items()}
            late = {name: text for name, text in wanted.items() if texts.get(name, "").split() != text.split()}
            gone = {key for key, item in there.items.items() if item.name not in wanted}
            if gone:
                self.store.remove(PUBLISHER, [there.only(gone)])
            if one.ident not in held:
                tables[_path(one.ident)] = _table(one.name, {})
            if late:
                tables[_path(f"{one.ident}{STAGE}")] = _table(one.name, late)
            if gone or late or one.ident not in held:
                changed.add(one.ident)
        if tables:
            self.store.put(PUBLISHER, plistlib.dumps({"tables": tables}))
        return changed

    def _folders(self) -> dict[str, _Folder]:
        found = rows(self.sql(_FOLDERS.format(publisher=quoted(PUBLISHER))))
        return {str(one["ident"]): _Folder(int(one["id"]), str(one["title"])) for one in found}

    def _titled(self, folder: _Folder, title: str) -> bool:
        if folder.title == title:
            return False
        self.sql(folders.entitle(folder.id, title))
        return True

    def _filled(self, folder: _Folder, stage: _Folder | None) -> bool:
        """The new events go in. What is the same keeps its place, so that devices fetch what changed alone."""
        if stage is None:
            return False
        self.sql(_MOVE.format(id=folder.id, stage=stage.id) + folders.remove(stage.id, subscriptions.CALENDAR))
        return True

    def _granted(self, folder: _Folder, ident: str, wanted: Mapping[str, str]) -> bool:
        """The rights: those, and no other."""
        return rights.keep(self.sql, self.forget, rights.Agenda(folder.id, PUBLISHER, ident), wanted.items())


def _rights(one: Shown, members: Iterable[str]) -> dict[str, str]:
    """Rights by uid. Where the system's default roles held, colleagues would see the hours."""
    if one.members is None:
        return {ANYBODY: READS}
    return {ANYBODY: NOTHING, **dict.fromkeys(sorted(members), READS)}


def _reference(ident: str) -> str:
    return subscriptions.reference(PUBLISHER, ident)


def _path(ident: str) -> str:
    return f"/Users/{PUBLISHER}/Calendar/{ident}"


def _table(title: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """An agenda as the tool takes it; nobody may look at its events before the rights are there."""
    records = [{"c_name": name, "c_content": text} for name, text in texts.items()]
    return {"acl": {ANYBODY: [NOTHING]}, "displayname": printable(title), "records": records}
