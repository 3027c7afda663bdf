"""Folders of SOGo (agendas and address books) and their items: `sogo_folder_info`, `sogo_store`, the quick tables.

As SOGo deletes an item, its row stays in `sogo_store` and says so, for devices that ask what has gone; the quick
tables, which SOGo searches, forget it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from malleposte.adapters.postgresql import quoted, quoted_json, rows
from malleposte.adapters.sogo import CALENDAR, CONTACTS, Sql

QUICK: Mapping[str, str] = {CALENDAR: "sogo_quick_appointment", CONTACTS: "sogo_quick_contact"}
"""The table with the indexes of what a folder holds, by module."""

_FOLDERS = """SELECT row_to_json(one) FROM (SELECT c_folder_id AS id, c_path2 AS owner, c_path4 AS name,
  c_path3 AS module, c_foldername AS title FROM sogo_folder_info WHERE {where}) AS one;"""
_TITLE = "UPDATE sogo_folder_info SET c_foldername = {title} WHERE c_folder_id = {id};"
_REMOVE = """BEGIN;
DELETE FROM {quick} WHERE c_folder_id = {id};
DELETE FROM sogo_store WHERE c_folder_id = {id};
DELETE FROM sogo_acl WHERE c_folder_id = {id};
DELETE FROM sogo_folder_info WHERE c_folder_id = {id};
COMMIT;"""
_ITEMS = """
SELECT row_to_json(one) FROM (
  SELECT i.c_path3 AS module, i.c_path4 AS folder, i.c_foldername AS title, s.c_name AS name, s.c_content AS text,
    s.c_lastmodified AS changed
  FROM sogo_folder_info i LEFT JOIN sogo_store s ON s.c_folder_id = i.c_folder_id AND coalesce(s.c_deleted, 0) = 0
  WHERE i.c_path2 = {owner} AND i.c_path3 IN ('Calendar', 'Contacts') ORDER BY i.c_folder_id, s.c_name) AS one;
"""
_STAMPS = """SELECT row_to_json(one) FROM (
  SELECT i.c_path2 AS owner, concat_ws('-', count(s.c_name), max(s.c_lastmodified), sum(s.c_version)) AS stamp
  FROM sogo_folder_info i LEFT JOIN sogo_store s ON s.c_folder_id = i.c_folder_id
  WHERE i.c_path3 = {module} AND i.c_path4 = {name}
    AND i.c_path2 IN (SELECT json_array_elements_text({owners})) GROUP BY i.c_path2) AS one;"""
_NAMES = """SELECT row_to_json(one) FROM (SELECT i.c_path4 AS folder, s.c_name AS name FROM sogo_folder_info i
  JOIN sogo_store s ON s.c_folder_id = i.c_folder_id AND coalesce(s.c_deleted, 0) = 0
  WHERE i.c_path2 = {owner} AND i.c_path3 = {module}) AS one;"""
_OWNERS = """
SELECT DISTINCT i.c_path2 FROM sogo_folder_info i JOIN sogo_store s USING (c_folder_id)
WHERE i.c_path3 IN ('Calendar', 'Contacts') AND coalesce(s.c_deleted, 0) = 0 AND s.c_content NOT LIKE 'BEGIN:VLIST%';
"""
_DELETE = """
BEGIN;
CREATE TEMP TABLE gone ON COMMIT DROP AS
  SELECT s.c_folder_id, s.c_name FROM json_to_recordset({items}) AS w (module text, folder text, name text, digest text)
  JOIN sogo_folder_info i ON i.c_path2 = {owner} AND i.c_path3 = w.module AND i.c_path4 = w.folder
  JOIN sogo_store s ON s.c_folder_id = i.c_folder_id AND s.c_name = w.name AND coalesce(s.c_deleted, 0) = 0
  WHERE w.digest IS NULL OR encode(sha256(convert_to(s.c_content, 'UTF8')), 'hex') = w.digest FOR UPDATE OF s;
UPDATE sogo_store s SET c_deleted = 1, c_lastmodified = extract(epoch FROM now())::int, c_version = s.c_version + 1
  FROM gone WHERE (s.c_folder_id, s.c_name) = (gone.c_folder_id, gone.c_name);
DELETE FROM sogo_quick_appointment q USING gone WHERE (q.c_folder_id, q.c_name) = (gone.c_folder_id, gone.c_name);
DELETE FROM sogo_quick_contact q USING gone WHERE (q.c_folder_id, q.c_name) = (gone.c_folder_id, gone.c_name);
COMMIT;
"""
_FORGET = """BEGIN;
DELETE FROM sogo_store s USING sogo_folder_info i
  WHERE s.c_folder_id = i.c_folder_id AND i.c_path2 = {owner}
    AND i.c_path3 IN ('Calendar', 'Contacts') AND s.c_deleted = 1;
DELETE FROM sogo_alarms_folder a USING sogo_folder_info i
  WHERE a.c_path = i.c_path AND i.c_path2 = {owner} AND NOT EXISTS (SELECT FROM sogo_store s
    WHERE s.c_folder_id = i.c_folder_id AND s.c_name = a.c_name AND coalesce(s.c_deleted, 0) = 0);
COMMIT;
"""
_MOVE = """BEGIN;
UPDATE sogo_store n SET c_version = 1 + greatest(n.c_version, o.c_version) FROM sogo_store o
  WHERE n.c_folder_id = {source} AND o.c_folder_id = {id} AND o.c_name = n.c_name;
DELETE FROM sogo_store o USING sogo_store n
  WHERE n.c_folder_id = {source} AND o.c_folder_id = {id} AND o.c_name = n.c_name;
DELETE FROM {quick} o USING sogo_store n
  WHERE n.c_folder_id = {source} AND o.c_folder_id = {id} AND o.c_name = n.c_name;
UPDATE sogo_store SET c_folder_id = {id}, c_lastmodified = extract(epoch FROM now())::int WHERE c_folder_id = {source};
UPDATE {quick} SET c_folder_id = {id} WHERE c_folder_id = {source};
COMMIT;
"""


@dataclass(frozen=True)
class Folder:
    """An agenda or an address book: its number in the tables, its owner, its name in addresses, its module, its title.

    `personal` is the name of an owner's main folder of each module.
    """

    id: int
    owner: str
    name: str
    module: str = CALENDAR
    title: str = ""

    @property
    def place(self) -> str:
        """Return its place below the root of folders."""
        return f"{self.owner}/{self.module}/{self.name}"


def find(sql: Sql, owner: str, module: str) -> dict[str, Folder]:
    """Return the folders of an owner, by name."""
    return {one.name: one for one in _select(sql, f"c_path2 = {quoted(owner)} AND c_path3 = {quoted(module)}")}


def named(sql: Sql, owners: Iterable[str], name: str, module: str = CALENDAR) -> dict[str, Folder]:
    """Return the folders of this name, by owner; of those that have one."""
    owned = f"c_path2 IN (SELECT json_array_elements_text({quoted_json(sorted(owners))}))"
    where = f"c_path3 = {quoted(module)} AND c_path4 = {quoted(name)} AND {owned}"
    return {one.owner: one for one in _select(sql, where)}


def _select(sql: Sql, where: str) -> list[Folder]:
    return [
        Folder(int(one["id"]), str(one["owner"]), str(one["name"]), str(one["module"]), str(one["title"] or ""))
        for one in rows(sql(_FOLDERS.format(where=where)))
    ]


def entitle(sql: Sql, folder: Folder, title: str) -> bool:
    """Give a folder this title; return whether it had another."""
    if folder.title != title:
        sql(_TITLE.format(id=folder.id, title=quoted(title)))
    return folder.title != title


def remove(sql: Sql, folder: Folder) -> None:
    """Remove a folder with all that it holds."""
    sql(_REMOVE.format(id=folder.id, quick=QUICK[folder.module]))


def items(sql: Sql, owner: str) -> Iterator[dict[str, Any]]:
    """Yield the items of an owner: module, folder, title, name, text, changed (seconds).

    A folder without an item is there once, with a name of None.
    """
    return rows(sql(_ITEMS.format(owner=quoted(owner))))


def names(sql: Sql, owner: str, module: str) -> dict[str, set[str]]:
    """Return the names of an owner's items, by folder."""
    by_folder: dict[str, set[str]] = {}
    for one in rows(sql(_NAMES.format(owner=quoted(owner), module=quoted(module)))):
        by_folder.setdefault(str(one["folder"]), set()).add(str(one["name"]))
    return by_folder


def stamps(sql: Sql, owners: Iterable[str], name: str, module: str = CALENDAR) -> dict[str, str]:
    """Return a word for the content of the folders of this name, by owner; it changes with each write of SOGo."""
    words = {"module": quoted(module), "name": quoted(name), "owners": quoted_json(sorted(owners))}
    listed = rows(sql(_STAMPS.format(**words)))
    return {str(one["owner"]): str(one["stamp"]) for one in listed}


def owners(sql: Sql) -> set[str]:
    """Return the owners of items; lists of contacts, which no other store has, count for nothing."""
    return set(sql(_OWNERS).split())


def delete(sql: Sql, owner: str, gone: Iterable[Mapping[str, str]]) -> None:
    """Delete items as SOGo does: module, folder, name; with `digest`, only where it is that of the text (SHA-256)."""
    if listed := [*gone]:
        sql(_DELETE.format(owner=quoted(owner), items=quoted_json(listed)))


def forget(sql: Sql, owner: str) -> None:
    """Remove the rows of an owner's deleted items, which have their texts, and the alarms of items that are gone."""
    sql(_FORGET.format(owner=quoted(owner)))


def move(sql: Sql, source: Folder, target: Folder) -> None:
    """Move the items of a folder into another, over those of the same names; the others keep their places."""
    sql(_MOVE.format(id=target.id, source=source.id, quick=QUICK[target.module]))
