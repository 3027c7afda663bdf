"""The published calendars in SOGo: agendas of a technical user, with rights and subscriptions for their agents.

SOGo's own tool writes the events, for its indexes, into an agenda beside, whose rows then move: it would take away the
rights. Rights and subscriptions go into its tables, since the tool needs half a second an agent; its memcached then
forgets what it knew of them. Rights go first: SOGo drops a subscription without a right.

`malleposte_calendars`, a table beside SOGo's, remembers whom each calendar was offered, since when and in which colour:
who has hidden one, or ended the subscription, is not asked twice.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import plistlib
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from malleposte.accounts.agendas import rights
from malleposte.accounts.agendas.model import Collection, Kind
from malleposte.accounts.agendas.rights import ANYBODY, NOTHING, Forget, Sql
from malleposte.accounts.agendas.sogo import (
    PUBLISHER,
    Restore,
    SogoStore,
    printable,
    quoted,
    quoted_json,
    restore,
    rows,
)
from malleposte.calendars import subscriptions
from malleposte.calendars.model import Items, Shown

READS = "PublicViewer"
SETTLED = 900
"""Seconds after which an absent subscription is the agent's choice. Before, SOGo may have written settings that it
held in its memory (SOGoCacheCleanupInterval, 300 s) over those with the subscription."""
AT_ONCE = 500
"""Agents whose settings are written together."""
TRIES = 3
STAGE = ".new"
"""The end of the name of an agenda that is written beside another; no identifier has a dot."""

_TABLE = """SET client_min_messages = warning;
CREATE TABLE IF NOT EXISTS malleposte_calendars (ident text, c_uid text, colour text NOT NULL, since bigint NOT NULL,
  PRIMARY KEY (ident, c_uid));"""
_FOLDERS = """SELECT row_to_json(one) FROM (SELECT c_path4 AS ident, c_folder_id AS id, c_foldername AS title
  FROM sogo_folder_info WHERE c_path2 = {publisher} AND c_path3 = 'Calendar') AS one;"""
_OFFERED = "SELECT row_to_json(one) FROM (SELECT ident, c_uid AS uid, colour, since FROM malleposte_calendars) AS one;"
_TITLE = "UPDATE sogo_folder_info SET c_foldername = {title} WHERE c_folder_id = {id};"
_SETTINGS = """SELECT row_to_json(one) FROM (SELECT w.uid, p.c_settings AS text, p.c_uid IS NOT NULL AS there
  FROM json_array_elements_text({uids}) AS w (uid) LEFT JOIN sogo_user_profile p ON p.c_uid = w.uid) AS one;"""
# Settings that changed since they were read stay as they are: their agent's turn comes again.
_WRITE = """WITH told AS (SELECT * FROM json_to_recordset({told}) AS w (uid text, before text, after text)),
made AS (INSERT INTO sogo_user_profile (c_uid, c_settings) SELECT uid, after FROM told
  WHERE before IS NULL AND after IS NOT NULL ON CONFLICT DO NOTHING RETURNING c_uid),
changed AS (UPDATE sogo_user_profile p SET c_settings = after FROM told WHERE p.c_uid = told.uid AND after IS NOT NULL
  AND encode(sha256(convert_to(coalesce(p.c_settings, ''), 'UTF8')), 'hex') = before RETURNING p.c_uid),
done AS (SELECT c_uid FROM made UNION SELECT c_uid FROM changed UNION SELECT uid FROM told WHERE after IS NULL)
"""
_OFFER = """INSERT INTO malleposte_calendars (ident, c_uid, colour, since)
  SELECT {ident}, c_uid, {colour}, {now} FROM done
  ON CONFLICT (ident, c_uid) DO UPDATE SET colour = excluded.colour RETURNING c_uid;"""
_END = """DELETE FROM malleposte_calendars m USING done WHERE m.ident = {ident} AND m.c_uid = done.c_uid
  RETURNING m.c_uid;"""
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
_REMOVE = """BEGIN;
DELETE FROM sogo_quick_appointment WHERE c_folder_id = {id};
DELETE FROM sogo_store WHERE c_folder_id = {id};
DELETE FROM sogo_acl WHERE c_folder_id = {id};
DELETE FROM sogo_folder_info WHERE c_folder_id = {id};
COMMIT;"""


@dataclass(frozen=True)
class _Folder:
    """An agenda of the technical user's: its number in the tables, its title."""

    id: int
    title: str


@dataclass(frozen=True)
class _Offer:
    """An offer to an agent: the colour, the time (seconds)."""

    colour: str
    since: int


class Engine:
    """SOGo's database, its tool and its memcached, for SOGo's user."""

    def __init__(self, sql: Sql, forget: Forget, put: Restore = restore) -> None:
        """See the types."""
        self.sql, self.forget = sql, forget
        self.store = SogoStore("", lambda _database, text: sql(text), put)

    def place(self, shown: Sequence[Shown], items: Items, agents: Set[str], now: float) -> int:
        """Bring SOGo to what is published; the number of changed calendars. `agents`: all who have SOGo."""
        self.sql(_TABLE)
        offered = self._offered()
        changed = self._write(shown, items)
        folders = self._folders()
        for one in shown:
            members = agents if one.members is None else agents & set(one.members)
            parts = (
                self._titled(folders[one.ident], one.name),
                self._granted(folders[one.ident], one.ident, _rights(one, members)),
                self._filled(folders[one.ident], folders.get(f"{one.ident}{STAGE}")),
                self._offer(one, members, offered.get(one.ident, {}), int(now)),
            )
            if any(parts):
                changed.add(one.ident)
        theirs = {ident for ident in folders if not ident.endswith(STAGE)}
        for ident in (theirs | offered.keys()) - {one.ident for one in shown}:
            if ident in folders:
                self._granted(folders[ident], ident, {ANYBODY: NOTHING})
            self._end(ident, offered.get(ident, {}).keys())
            if ident in folders:
                self.sql(_REMOVE.format(id=folders[ident].id))
                self.forget([rights.Agenda(folders[ident].id, PUBLISHER, ident).key])
            changed.add(ident)
        return len(changed)

    def _write(self, shown: Sequence[Shown], items: Items) -> set[str]:
        """Have the tool write what is new beside the agendas, since it would take away the rights on them; which."""
        for ident, folder in self._folders().items():
            if ident.endswith(STAGE):
                self.sql(_REMOVE.format(id=folder.id))
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

    def _offered(self) -> dict[str, dict[str, _Offer]]:
        found: dict[str, dict[str, _Offer]] = {}
        for one in rows(self.sql(_OFFERED)):
            found.setdefault(one["ident"], {})[one["uid"]] = _Offer(one["colour"], one["since"])
        return found

    def _titled(self, folder: _Folder, title: str) -> bool:
        if folder.title == title:
            return False
        self.sql(_TITLE.format(title=quoted(title), id=folder.id))
        return True

    def _filled(self, folder: _Folder, stage: _Folder | None) -> bool:
        """The new events go in. What is the same keeps its place, so that devices fetch what changed alone."""
        if stage is None:
            return False
        self.sql(_MOVE.format(id=folder.id, stage=stage.id) + _REMOVE.format(id=stage.id))
        return True

    def _granted(self, folder: _Folder, ident: str, wanted: Mapping[str, str]) -> bool:
        """The rights: those, and no other."""
        return rights.keep(self.sql, self.forget, rights.Agenda(folder.id, PUBLISHER, ident), wanted.items())

    def _offer(self, one: Shown, members: Set[str], offered: Mapping[str, _Offer], now: int) -> bool:
        """The subscriptions: to whom is new, from whom has left; the colour where it was that of the academy."""

        def offer(uid: str, settings: subscriptions.Settings) -> None:
            before = offered.get(uid)
            fresh = before is None or now - before.since < SETTLED
            if fresh and not subscriptions.subscribed(settings, one.ident):
                subscriptions.subscribe(settings, one.ident, one.colour)
            if before and before.colour != one.colour:
                subscriptions.repaint(settings, one.ident, before.colour, one.colour)

        told = members - offered.keys()
        old = members & offered.keys()
        other = {uid for uid in old if offered[uid].colour != one.colour}
        early = {uid for uid in old - other if now - offered[uid].since < SETTLED}
        statement = _OFFER.format(ident=quoted(one.ident), colour=quoted(one.colour), now=now)
        ended = self._end(one.ident, offered.keys() - members)
        changed = self._each(told | other, offer, statement)
        again = self._each(early, offer, statement, unchanged=False)
        return ended or changed or again

    def _end(self, ident: str, uids: Set[str]) -> bool:
        def forget(_uid: str, settings: subscriptions.Settings) -> None:
            subscriptions.forget(settings, ident)

        return self._each(uids, forget, _END.format(ident=quoted(ident)), absent=False)

    def _each(
        self,
        uids: Iterable[str],
        change: Callable[[str, subscriptions.Settings], None],
        then: str,
        *,
        unchanged: bool = True,
        absent: bool = True,
    ) -> bool:
        """Change the settings of agents, and `then` the table of offers; whether any was.

        `unchanged`: those whose settings stay are told, too; `absent`: who has none gets some. What SOGo writes
        meanwhile are read and changed again.
        """
        left, wrote = set(uids), False
        for _try in range(TRIES):
            for batch in itertools.batched(sorted(left), AT_ONCE, strict=False):
                told = []
                for row in rows(self.sql(_SETTINGS.format(uids=quoted_json(batch)))):
                    entry = _changed(row, change, absent=absent)
                    if entry and (unchanged or entry["after"] is not None):
                        told.append(entry)
                done = self.sql(_WRITE.format(told=quoted_json(told)) + then).split() if told else []
                self.forget(f"{uid}+settings" for uid in done)
                left -= set(done) | (set(batch) - {entry["uid"] for entry in told})
                wrote = wrote or bool(done)
            if not left:
                break
        return wrote


def _changed(
    row: Mapping[str, Any], change: Callable[[str, subscriptions.Settings], None], *, absent: bool
) -> dict[str, Any] | None:
    """The row that tells of one agent's settings; None where they are not to be understood."""
    text = row["text"]
    settings = subscriptions.read(text)
    if settings is None:
        return None
    before = json.dumps(settings)
    change(row["uid"], settings)
    same = json.dumps(settings) == before or not (row["there"] or absent)
    after = None if same else subscriptions.write(settings)
    if not same and after is None:
        return None
    digest = hashlib.sha256((text or "").encode()).hexdigest() if row["there"] else None
    return {"uid": row["uid"], "before": digest, "after": after}


def _rights(one: Shown, members: Iterable[str]) -> dict[str, str]:
    """Rights by uid. Where the system's default roles held, colleagues would see the hours."""
    if one.members is None:
        return {ANYBODY: READS}
    return {ANYBODY: NOTHING, **dict.fromkeys(sorted(members), READS)}


def _path(ident: str) -> str:
    return f"/Users/{PUBLISHER}/Calendar/{ident}"


def _table(title: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """An agenda as the tool takes it; nobody may look at its events before the rights are there."""
    records = [{"c_name": name, "c_content": text} for name, text in texts.items()]
    return {"acl": {ANYBODY: [NOTHING]}, "displayname": printable(title), "records": records}
