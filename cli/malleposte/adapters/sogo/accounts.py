"""All that SOGo's database holds of an account: to be handed over, or removed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from malleposte.adapters.postgresql import quoted, rows
from malleposte.adapters.sogo import Sql

_ITEMS = """SELECT row_to_json(one) FROM (
SELECT i.c_path4 || '-' || i.c_foldername AS folder, s.c_name AS name, s.c_content AS content
FROM sogo_store s JOIN sogo_folder_info i USING (c_folder_id)
WHERE i.c_path LIKE {path} ESCAPE '!' AND coalesce(s.c_deleted, 0) = 0 ORDER BY i.c_path, s.c_name
) AS one;"""
_THEIRS = "c_path LIKE '/Users/%' AND split_part(c_path, '/', 3) IN ({uids})"
_FOLDERS = f"SELECT c_folder_id FROM sogo_folder_info WHERE {_THEIRS}"
_ERASE = ";".join((
    "BEGIN",
    f"DELETE FROM sogo_alarms_folder WHERE {_THEIRS}",
    *(f"DELETE FROM {table} WHERE c_folder_id IN ({_FOLDERS})"
      for table in ("sogo_quick_appointment", "sogo_quick_contact", "sogo_store", "sogo_acl")),
    "DELETE FROM sogo_acl WHERE c_uid IN ({uids})",
    "DELETE FROM sogo_cache_folder WHERE c_uid IN ({uids})",
    f"DELETE FROM sogo_folder_info WHERE {_THEIRS}",
    "DELETE FROM sogo_user_profile WHERE c_uid IN ({uids})",
    "COMMIT;",
))  # fmt: skip
_OWNERS = f"""SELECT DISTINCT split_part(c_path, '/', 3) FROM sogo_folder_info
JOIN sogo_store USING (c_folder_id) WHERE {_THEIRS};"""


def items(sql: Sql, uid: str) -> Iterator[dict[str, Any]]:
    """Yield the events and contacts of an account: folder, name, content."""
    return rows(sql(_ITEMS.format(path=_like(uid))))


def owners(sql: Sql, uids: Iterable[str]) -> set[str]:
    """Return those of some accounts that have an event or a contact, also one that was deleted."""
    return set(sql(_OWNERS.format(uids=_listed(uids))).split())


def erase(sql: Sql, *uids: str) -> None:
    """Remove accounts' agendas, contacts, rights and settings, and their rights on what is others'."""
    sql(_ERASE.format(uids=_listed(uids)))


def _listed(uids: Iterable[str]) -> str:
    return ", ".join(map(quoted, uids))


def _like(uid: str) -> str:
    """Return the pattern of the paths of an account's folders, in which `!` escapes."""
    return quoted("/Users/" + re.sub(r"([!_%])", r"!\1", uid) + "/%")
