"""The profile of an account in SOGo (`sogo_user_profile`): its preferences (`defaults`) and its settings, JSON both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from malleposte.adapters.postgresql import quoted, quoted_json, rows
from malleposte.adapters.sogo import Sql

DEFAULTS, SETTINGS = "c_defaults", "c_settings"
IDENTITIES = "SOGoMailIdentities"
"""The preference that holds an agent's senders."""

_PROFILE = """SELECT row_to_json(one) FROM (
  SELECT c_defaults AS defaults, c_settings AS settings FROM sogo_user_profile WHERE c_uid = {uid}) AS one;"""
_WRITE = "UPDATE sogo_user_profile SET {column} = {text} WHERE c_uid = {uid};"
_IDENTITIES = """SELECT coalesce(json_object_agg(c_uid, CASE WHEN c_defaults IS JSON OBJECT
THEN c_defaults::json -> 'SOGoMailIdentities' END), '{{}}')
FROM sogo_user_profile WHERE c_uid IN (SELECT json_array_elements_text({uids}));
"""
_USERS = "SELECT coalesce(json_agg(c_uid), '[]') FROM sogo_user_profile;\n"
_SETTINGS = """SELECT row_to_json(one) FROM (SELECT w.uid, p.c_settings AS text, p.c_uid IS NOT NULL AS there
  FROM json_array_elements_text({uids}) AS w (uid) LEFT JOIN sogo_user_profile p ON p.c_uid = w.uid) AS one;"""
# Settings that changed since they were read stay as they are.
_WRITE_SETTINGS = """WITH told AS (SELECT * FROM json_to_recordset({told}) AS w (uid text, before text, after text)),
made AS (INSERT INTO sogo_user_profile (c_uid, c_settings) SELECT uid, after FROM told
  WHERE before IS NULL AND after IS NOT NULL ON CONFLICT DO NOTHING RETURNING c_uid),
changed AS (UPDATE sogo_user_profile p SET c_settings = after FROM told WHERE p.c_uid = told.uid AND after IS NOT NULL
  AND encode(sha256(convert_to(coalesce(p.c_settings, ''), 'UTF8')), 'hex') = before RETURNING p.c_uid),
done AS (SELECT c_uid FROM made UNION SELECT c_uid FROM changed UNION SELECT uid FROM told WHERE after IS NULL)
"""


def row(sql: Sql, uid: str) -> dict[str, Any]:
    """Return the preferences and the settings of an account, as they stand; empty where it has none."""
    return next(rows(sql(_PROFILE.format(uid=quoted(uid)))), {})


def read(sql: Sql, uid: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the preferences and the settings of an account; what is no object is empty."""
    columns = row(sql, uid)
    return _document(columns.get("defaults")), _document(columns.get("settings"))


def write(sql: Sql, uid: str, column: str, document: Mapping[str, Any]) -> None:
    """Replace the preferences (DEFAULTS) or the settings (SETTINGS) of an account."""
    sql(_WRITE.format(column=column, text=quoted(json.dumps(document, ensure_ascii=False)), uid=quoted(uid)))


def users(sql: Sql) -> list[str]:
    """Return the uids of all who have used SOGo."""
    return [str(uid) for uid in json.loads(sql(_USERS))]


def identities(sql: Sql, uids: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the senders of these agents, by uid; of those who have used SOGo."""
    by_uid = json.loads(sql(_IDENTITIES.format(uids=quoted_json(sorted(uids)))))
    return {uid: [one for one in listed or [] if isinstance(one, dict)] for uid, listed in by_uid.items()}


def settings(sql: Sql, uids: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the settings of these agents: uid, text, and whether there is a profile (`there`)."""
    return rows(sql(_SETTINGS.format(uids=quoted_json(uids))))


def change(row: Mapping[str, Any], after: str | None) -> dict[str, Any]:
    """Return the change of the settings that a row of `settings` holds, for `write_settings`. None leaves them."""
    digest = hashlib.sha256((row["text"] or "").encode()).hexdigest() if row["there"] else None
    return {"uid": row["uid"], "before": digest, "after": after}


def write_settings(sql: Sql, changes: Sequence[Mapping[str, Any]], then: str) -> list[str]:
    """Make changes of settings that nobody else changed meanwhile, and what follows for their agents, at once.

    `then` is a statement on `done`, whose `c_uid` are those of the changes that were made. Return what it prints, as
    words.
    """
    return sql(_WRITE_SETTINGS.format(told=quoted_json(changes)) + then).split() if changes else []


def _document(text: Any) -> dict[str, Any]:
    """Return the object of a column, which the database may have as text or as an object."""
    try:
        document = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
