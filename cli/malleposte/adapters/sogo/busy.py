"""The events of agents in SOGo that may take time of them: by its indexes, where colleagues may see the busy hours."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from malleposte.adapters.postgresql import quoted, quoted_json, rows
from malleposte.adapters.sogo import Sql, profiles
from malleposte.adapters.sogo.rights import ANYBODY
from malleposte.platform.times import DATE_TIME

MOST = 1000
"""Events of an agenda."""
LONGEST = 65_536
"""Characters of an event; a longer one is not read."""
KINDS = ("Public", "Confidential", "Private")
"""The kinds of events, each with rights of its own."""
EXCLUDED = "FreeBusyExclusions"
"""The setting that names the agendas whose events take no time."""
_EVENTS = """SELECT row_to_json(one) FROM (
  SELECT i.c_path2 AS uid, i.c_path4 AS folder,
    (SELECT json_agg(a.c_role) FROM sogo_acl a WHERE a.c_folder_id = i.c_folder_id AND a.c_uid = {anybody}) AS roles,
    e.text FROM sogo_folder_info i LEFT JOIN LATERAL (
      SELECT s.c_content AS text FROM sogo_quick_appointment q JOIN sogo_store s
        ON s.c_folder_id = q.c_folder_id AND s.c_name = q.c_name AND coalesce(s.c_deleted, 0) = 0
      WHERE q.c_folder_id = i.c_folder_id AND q.c_component = 'vevent' AND q.c_isopaque = 1
        AND q.c_startdate < {end} AND (q.c_iscycle = 1 OR q.c_enddate > {begin}) AND length(s.c_content) <= {longest}
      ORDER BY q.c_startdate DESC LIMIT {most}) e ON true
  WHERE i.c_path3 = 'Calendar' AND i.c_path2 IN (SELECT json_array_elements_text({uids}))) AS one;
"""


def events(
    sql: Sql, uids: Sequence[str], span: tuple[str, str], main: str, *, own: bool = False
) -> dict[str, list[str]]:
    """Return the texts of events that may take time of these agents in a span of UTC, by uid.

    Who is not there has no agenda, or closed the busy hours of the one that is named `main` to colleagues.
    `own`: the agent asks, whom nothing is closed to.
    """
    begin, end = (_seconds(moment) for moment in span)
    text = _EVENTS.format(
        anybody=quoted(ANYBODY), begin=begin, end=end, longest=LONGEST, most=MOST, uids=quoted_json(uids)
    )
    excluded = {str(one["uid"]): _excluded(one.get("text")) for one in profiles.settings(sql, uids)}
    by_uid, opened = dict[str, list[str]](), set[str]()
    for row in rows(sql(text)):
        uid, folder = str(row["uid"]), str(row["folder"])
        if not own and (_closed(row["roles"]) or folder in excluded.get(uid, ())):
            continue
        if folder == main:
            opened.add(uid)
        listed = by_uid.setdefault(uid, [])
        if row["text"] is not None:
            listed.append(str(row["text"]))
    return {uid: texts for uid, texts in by_uid.items() if uid in opened}


def _closed(roles: Iterable[str] | None) -> bool:
    """Whether an agenda hides some of its busy hours from colleagues; without rights of its own it shows them."""
    granted = list(roles or ())
    return bool(granted) and not all(any(role.startswith(kind) for role in granted) for kind in KINDS)


def _excluded(text: Any) -> set[str]:
    """Return the names of agendas whose events take no time, by the settings of their owner."""
    try:
        settings = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return set()
    calendar = settings.get("Calendar") if isinstance(settings, Mapping) else None
    named = calendar.get(EXCLUDED) if isinstance(calendar, Mapping) else None
    return {str(one).rpartition("/")[2] for one, out in named.items() if out} if isinstance(named, Mapping) else set()


def _seconds(moment: str) -> int:
    return int(datetime.datetime.strptime(moment, DATE_TIME).replace(tzinfo=datetime.UTC).timestamp())
