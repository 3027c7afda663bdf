"""The events of agendas of SOGo that changed since a moment, by its indexes, and their texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from malleposte.adapters.postgresql import quoted, quoted_json, rows
from malleposte.adapters.sogo import Sql

LONGEST = 65_536
"""Characters of an event; a longer one is not read."""
_CHANGED = """SELECT row_to_json(one) FROM (
  SELECT w.number, e.name, e.uid, e.changed
  FROM json_to_recordset({places}) AS w(number int, owner text, folder text, after bigint)
  JOIN sogo_folder_info i ON i.c_path2 = w.owner AND i.c_path3 = 'Calendar' AND i.c_path4 = w.folder
  LEFT JOIN LATERAL (
    SELECT s.c_name AS name, q.c_uid AS uid, s.c_lastmodified AS changed
    FROM sogo_store s JOIN sogo_quick_appointment q ON q.c_folder_id = s.c_folder_id AND q.c_name = s.c_name
    WHERE s.c_folder_id = i.c_folder_id AND coalesce(s.c_deleted, 0) = 0 AND q.c_component = 'vevent'
      AND s.c_lastmodified >= w.after ORDER BY s.c_lastmodified, s.c_name LIMIT {most}) e ON true
  ORDER BY w.number, e.changed, e.name) AS one;
"""
_TEXTS = """SELECT row_to_json(one) FROM (SELECT s.c_name AS name, s.c_content AS text FROM sogo_folder_info i
  JOIN sogo_store s ON s.c_folder_id = i.c_folder_id AND coalesce(s.c_deleted, 0) = 0
  WHERE i.c_path2 = {owner} AND i.c_path3 = 'Calendar' AND i.c_path4 = {folder}
    AND length(s.c_content) <= {longest} AND s.c_name IN (SELECT json_array_elements_text({names}))) AS one;"""


def events(sql: Sql, places: Sequence[tuple[str, str, int]], most: int) -> Iterator[dict[str, Any]]:
    """Yield the events of agendas (owner, name) that changed since a second: number of the place, name, uid, changed.

    They come in the order of their changes, `most` of each agenda. An agenda without any is there once, without a name.
    """
    listed = [
        {"number": number, "owner": owner, "folder": name, "after": after}
        for number, (owner, name, after) in enumerate(places)
    ]
    return rows(sql(_CHANGED.format(places=quoted_json(listed), most=most)))


def texts(sql: Sql, owner: str, folder: str, names: Sequence[str]) -> dict[str, str]:
    """Return the texts of events by name, of those that are there."""
    words = {"owner": quoted(owner), "folder": quoted(folder), "longest": LONGEST, "names": quoted_json([*names])}
    return {str(one["name"]): str(one["text"]) for one in rows(sql(_TEXTS.format(**words)))}
