"""Agendas of SOGo that agents have in their list without asking: subscriptions in their settings.

SOGo's own tool needs half a second for each agent, so the subscriptions go into SOGo's table; its memcached then
forgets the settings that it held. A table beside SOGo's remembers whom each agenda was offered, since when and in which
colour: who has hidden one, or ended the subscription, is not asked twice.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any

from malleposte.adapters.postgresql import quoted, rows
from malleposte.adapters.sogo import Forget, Sql, memcached, profiles
from malleposte.groupware.sogo import subscriptions

SETTLED = 900
"""Seconds after which an absent subscription is the agent's choice. Before, SOGo may have written settings that it
held in its memory (SOGoCacheCleanupInterval, 300 s) over those with the subscription."""
AT_ONCE = 500
"""Agents whose settings are written together."""
TRIES = 3

_TABLE = """SET client_min_messages = warning;
CREATE TABLE IF NOT EXISTS {table} (ident text, c_uid text, colour text NOT NULL, since bigint NOT NULL,
  PRIMARY KEY (ident, c_uid));"""
_OFFERED = "SELECT row_to_json(one) FROM (SELECT ident, c_uid AS uid, colour, since FROM {table}) AS one;"
_OFFER = """INSERT INTO {table} (ident, c_uid, colour, since)
  SELECT {ident}, c_uid, {colour}, {now} FROM done
  ON CONFLICT (ident, c_uid) DO UPDATE SET colour = excluded.colour RETURNING c_uid;"""
_END = """DELETE FROM {table} m USING done WHERE m.ident = {ident} AND m.c_uid = done.c_uid
  RETURNING m.c_uid;"""


@dataclass(frozen=True)
class Listed:
    """An agenda in agents' lists: its name in the table of offers, its name in settings, its colour at first."""

    ident: str
    reference: str
    colour: str = ""


@dataclass(frozen=True)
class Offer:
    """An offer to an agent: the colour, the time (seconds)."""

    colour: str
    since: int


class Offers:
    """The subscriptions that a job keeps, and its table of what it has offered."""

    def __init__(self, sql: Sql, forget: Forget, table: str) -> None:
        """`table`: its name."""
        self.sql, self.forget, self.table = sql, forget, table

    def read(self) -> dict[str, dict[str, Offer]]:
        """The offers that were made: by agenda, then by uid."""
        self.sql(_TABLE.format(table=self.table))
        by_agenda: dict[str, dict[str, Offer]] = {}
        for one in rows(self.sql(_OFFERED.format(table=self.table))):
            by_agenda.setdefault(one["ident"], {})[one["uid"]] = Offer(one["colour"], one["since"])
        return by_agenda

    def keep(self, one: Listed, members: Set[str], offered: Mapping[str, Offer], now: int) -> bool:
        """The subscriptions: to whom is new, from whom has left; the colour where it was that of the academy.

        `offered`: those of it that `read` gave. Whether anything changed.
        """

        def offer(uid: str, settings: subscriptions.Settings) -> None:
            before = offered.get(uid)
            fresh = before is None or now - before.since < SETTLED
            if fresh and not subscriptions.subscribed(settings, one.reference):
                subscriptions.subscribe(settings, one.reference, one.colour)
            if before and before.colour != one.colour:
                subscriptions.repaint(settings, one.reference, before.colour, one.colour)

        missing = members - offered.keys()
        old = members & offered.keys()
        other = {uid for uid in old if offered[uid].colour != one.colour}
        early = {uid for uid in old - other if now - offered[uid].since < SETTLED}
        statement = _OFFER.format(table=self.table, ident=quoted(one.ident), colour=quoted(one.colour), now=now)
        ended = self.end(one, offered.keys() - members)
        changed = self._each(missing | other, offer, statement)
        again = self._each(early, offer, statement, unchanged=False)
        return ended or changed or again

    def end(self, one: Listed, uids: Set[str]) -> bool:
        """Take the subscriptions from these agents; whether any was there."""

        def forget(_uid: str, settings: subscriptions.Settings) -> None:
            subscriptions.forget(settings, one.reference)

        return self._each(uids, forget, _END.format(table=self.table, ident=quoted(one.ident)), absent=False)

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
                entries = []
                for row in profiles.settings(self.sql, batch):
                    entry = _changed(row, change, absent=absent)
                    if entry and (unchanged or entry["after"] is not None):
                        entries.append(entry)
                done = profiles.write_settings(self.sql, entries, then)
                self.forget(memcached.settings_key(uid) for uid in done)
                left -= set(done) | (set(batch) - {entry["uid"] for entry in entries})
                wrote = wrote or bool(done)
            if not left:
                break
        return wrote


def _changed(
    row: Mapping[str, Any], change: Callable[[str, subscriptions.Settings], None], *, absent: bool
) -> dict[str, Any] | None:
    """The row that tells of one agent's settings; None where they are not to be understood."""
    settings = subscriptions.read(row["text"])
    if settings is None:
        return None
    before = json.dumps(settings)
    change(row["uid"], settings)
    same = json.dumps(settings) == before or not (row["there"] or absent)
    after = None if same else subscriptions.write(settings)
    if not same and after is None:
        return None
    return profiles.change(row, after)
