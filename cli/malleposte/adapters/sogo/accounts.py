"""All that SOGo's database holds of an account: to be handed over, or removed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from malleposte.adapters.postgresql import quoted, rows
from malleposte.adapters.sogo import Sql

_ITEMS = """SELECT row_to_json(one) FROM (
SELECT i.c_path4 || '-' || i.c_foldername AS folder, s.c_name AS name, s.c_content AS content
FROM sogo_store s JOIN sogo_folder_info i USING (c_folder_id)
WHERE i.c_path LIKE {path} ESCAPE '!' AND coalesce(s.c_deleted, 0) = 0 ORDER BY i.c_path, s.c_name
) AS one;"""
_FOLDERS = "SELECT c_folder_id FROM sogo_folder_info WHERE c_path LIKE {path} ESCAPE '!'"
_ERASE = ";".join((
    "BEGIN",
    "DELETE FROM sogo_alarms_folder WHERE c_path LIKE {path} ESCAPE '!'",
    *(f"DELETE FROM {table} WHERE c_folder_id IN ({_FOLDERS})"
      for table in ("sogo_quick_appointment", "sogo_quick_contact", "sogo_store", "sogo_acl")),
    "DELETE FROM sogo_acl WHERE c_uid = {uid}",
    "DELETE FROM sogo_cache_folder WHERE c_uid = {uid}",
    "DELETE FROM sogo_folder_info WHERE c_path LIKE {path} ESCAPE '!'",
    "DELETE FROM sogo_user_profile WHERE c_uid = {uid}",
    "COMMIT;",
))  # fmt: skip


def items(sql: Sql, uid: str) -> Iterator[dict[str, Any]]:
    """Yield the events and contacts of an account: folder, name, content."""
    return rows(sql(_ITEMS.format(path=_like(uid))))


def erase(sql: Sql, uid: str) -> None:
    """Remove an account's agendas, contacts, rights and settings, and its rights on what is others'."""
    sql(_ERASE.format(path=_like(uid), uid=quoted(uid)))


def _like(uid: str) -> str:
    """Return the pattern of the paths of an account's folders, in which `!` escapes."""
    return quoted("/Users/" + re.sub(r"([!_%])", r"!\1", uid) + "/%")
