"""Main agendas in SOGo of entries that are no agents, such as rooms: made closed, since nobody logs in to make them.

SOGo's tool ends before any right can be there, so the agenda it makes is closed to everybody.
"""

from __future__ import annotations

import plistlib
from collections.abc import Iterable, Mapping

from malleposte.accounts.agendas.model import MAIN
from malleposte.accounts.agendas.rights import ANYBODY, NOTHING, Sql
from malleposte.accounts.agendas.sogo import Restore, printable, quoted, quoted_json, rows

_AGENDAS = """SELECT row_to_json(one) FROM (SELECT c_path2 AS uid, c_folder_id AS id FROM sogo_folder_info
  WHERE c_path3 = 'Calendar' AND c_path4 = {main} AND c_path2 IN (SELECT json_array_elements_text({uids}))) AS one;"""


def find(uids: Iterable[str], sql: Sql) -> dict[str, int]:
    """The numbers of the agendas of these owners, in SOGo's tables; of those that have one."""
    wanted = quoted_json(sorted(uids))
    return {str(one["uid"]): int(one["id"]) for one in rows(sql(_AGENDAS.format(main=quoted(MAIN), uids=wanted)))}


def make(titles: Mapping[str, str], sql: Sql, put: Restore) -> dict[str, int]:
    """The same, after those that are missing were made. `titles`: of the agendas, by owner."""
    held = find(titles, sql)
    new = [uid for uid in titles if uid not in held]
    for uid in new:
        table = {"acl": {ANYBODY: [NOTHING]}, "displayname": printable(titles[uid]), "records": []}
        put(uid, plistlib.dumps({"tables": {f"/Users/{uid}/Calendar/{MAIN}": table}}))
    return find(titles, sql) if new else held
