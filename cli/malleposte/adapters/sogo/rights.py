"""Rights on folders of SOGo (`sogo_acl`). Its memcached then forgets what it knew of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from malleposte.adapters.postgresql import quoted, quoted_json, rows
from malleposte.adapters.sogo import Forget, Sql, memcached
from malleposte.adapters.sogo.folders import Folder

ANYBODY, NOTHING = "<default>", "None"

_OF_FOLDERS = """SELECT row_to_json(one) FROM (SELECT c_folder_id AS id, c_uid AS uid, c_role AS role FROM sogo_acl
  WHERE c_folder_id IN (SELECT json_array_elements_text({ids})::int)) AS one;"""
_OF_OWNER = """
SELECT row_to_json(one) FROM (
  SELECT i.c_path3 || '/' || i.c_path4 AS place, a.c_uid AS uid, a.c_role AS role
  FROM sogo_folder_info i JOIN sogo_acl a ON a.c_folder_id = i.c_folder_id
    AND a.c_object = '/' || i.c_path2 || '/' || i.c_path3 || '/' || i.c_path4
  WHERE i.c_path2 = {owner} AND i.c_path3 IN ('Calendar', 'Contacts') ORDER BY i.c_folder_id, a.c_uid, a.c_role) AS one;
"""
_GRANT = """BEGIN;
DELETE FROM sogo_acl WHERE c_folder_id = {id} AND c_uid IN (SELECT json_array_elements_text({wrong}));
INSERT INTO sogo_acl (c_folder_id, c_object, c_uid, c_role)
  SELECT {id}, {place}, uid, role FROM json_to_recordset({right}) AS w (uid text, role text);
COMMIT;"""
_SHARES = """SELECT DISTINCT row_to_json(one)::text FROM (
  SELECT i.c_path3 || '/' || i.c_path4 AS what, {other} AS who
  FROM sogo_acl a JOIN sogo_folder_info i USING (c_folder_id)
  WHERE {mine} = {uid} AND {other} <> {uid}) AS one;"""
_CLOSE = """DELETE FROM sogo_acl a USING sogo_folder_info i WHERE a.c_folder_id = i.c_folder_id
  AND i.c_path2 = {owner} AND i.c_path3 || '/' || i.c_path4 = {what} AND a.c_uid = {who};"""


def keep(sql: Sql, forget: Forget, folder: Folder, pairs: Iterable[tuple[str, str]]) -> bool:
    """Leave these rights (uid, role) on a folder, and no other; return whether any had to change."""
    return bool(keep_all(sql, forget, {folder: pairs}))


def keep_all(sql: Sql, forget: Forget, pairs: Mapping[Folder, Iterable[tuple[str, str]]]) -> set[Folder]:
    """Do so with many folders, whose rights are read at once; return those that had to change."""
    before: dict[int, list[tuple[str, str]]] = {folder.id: [] for folder in pairs}
    for one in rows(sql(_OF_FOLDERS.format(ids=quoted_json(sorted(before))))) if before else ():
        before[one["id"]].append((one["uid"], one["role"]))
    changed = set()
    for folder, right in pairs.items():
        old, new = _by_uid(before[folder.id]), _by_uid(right)
        if old != new:
            _grant(sql, folder, old, new)
            forget([memcached.rights_key(folder)])
            changed.add(folder)
    return changed


def of_owner(sql: Sql, owner: str) -> dict[str, dict[str, list[str]]]:
    """Return the rights of others on an owner's folders: MODULE/NAME -> uid -> roles."""
    by_place: dict[str, dict[str, list[str]]] = {}
    for row in rows(sql(_OF_OWNER.format(owner=quoted(owner)))):
        by_place.setdefault(str(row["place"]), {}).setdefault(str(row["uid"]), []).append(str(row["role"]))
    return by_place


def shares(sql: Sql, uid: str) -> Iterator[tuple[str, str]]:
    """Yield what an account opens to others: MODULE/NAME, and to whom."""
    return _shares(sql, uid, mine="i.c_path2", other="a.c_uid")


def shared_with(sql: Sql, uid: str) -> Iterator[tuple[str, str]]:
    """Yield what others open to an account: MODULE/NAME, and whose it is."""
    return _shares(sql, uid, mine="a.c_uid", other="i.c_path2")


def _shares(sql: Sql, uid: str, **columns: str) -> Iterator[tuple[str, str]]:
    shares: Iterator[dict[str, Any]] = rows(sql(_SHARES.format(uid=quoted(uid), **columns)))
    return ((str(one["what"]), str(one["who"])) for one in shares)


def close(sql: Sql, owner: str, what: str, who: str) -> None:
    """Take all rights on an owner's folder (MODULE/NAME) from another."""
    sql(_CLOSE.format(owner=quoted(owner), what=quoted(what), who=quoted(who)))


def _grant(sql: Sql, folder: Folder, old: Mapping[str, set[str]], new: Mapping[str, set[str]]) -> None:
    wrong = sorted(uid for uid, roles in old.items() if new.get(uid) != roles)
    right = [
        {"uid": uid, "role": role} for uid, roles in new.items() if old.get(uid) != roles for role in sorted(roles)
    ]
    place = quoted(f"/{folder.place}")
    sql(_GRANT.format(id=folder.id, place=place, wrong=quoted_json(wrong), right=quoted_json(right)))


def _by_uid(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    roles: dict[str, set[str]] = {}
    for uid, role in pairs:
        roles.setdefault(uid, set()).add(role)
    return roles
